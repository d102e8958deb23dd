package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The README's example of the library compiles, runs, and is the code below. */
class ReadmeTest {
    @Test
    void theExampleRuns() {
        // begin
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable");
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            int[] tokens = checkpoint.tokenizer().encode("<|endoftext|>Anna went to the park because");
            Gpt2Config config = model.config();

            ActivationCache cache =
                    ActivationCache.of(model, Prompts.of(config, tokens), Capture.of(config, "resid_post", "pattern"));
            float[] pattern = cache.values(HookPoint.of(Site.PATTERN, 2), 0); // [heads, queries, keys]

            Probe ablation = new Probe() { // without the heads of layer 1
                        @Override
                        public boolean wants(HookPoint point) {
                            return point.equals(HookPoint.of(Site.Z, 1));
                        }

                        @Override
                        public void at(HookPoint point, Activation z) {
                            Arrays.fill(z.values(), 0);
                        }
                    };
            float[] logits =
                    model.forward(ForwardRequest.of(tokens).probe(ablation)).logits();
            // end
            assertThat(pattern).hasSize(config.nHeads() * tokens.length * tokens.length);
            assertThat(logits).hasSize(tokens.length * config.dVocab()).isNotEqualTo(model.logits(tokens));
        }
    }

    @Test
    void theExampleIsTheReadmes() throws IOException {
        String source = Files.readString(Path.of("src/test/java/dev/hyaline/instrument/ReadmeTest.java"));
        String code = source.substring(source.indexOf("// begin\n") + 9, source.indexOf("// end\n"));
        String readme = Files.readString(Path.of("../README.md"));
        String shown = readme.substring(readme.indexOf("```java\n") + 8);
        assertThat(words(shown.substring(0, shown.indexOf("}\n```")))).isEqualTo(words(code.replace("@Override", "")));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", " ").strip();
    }
}
