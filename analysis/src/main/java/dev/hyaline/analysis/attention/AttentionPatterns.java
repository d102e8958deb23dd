package dev.hyaline.analysis.attention;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import java.util.stream.IntStream;

/** The attention of a model on prompts, a prompt and a layer at a time. */
final class AttentionPatterns {
    private AttentionPatterns() {}

    /**
     * Takes one head's pattern on one prompt, {@code [queries, keys]} in {@code maps} from {@code offset}, which may
     * not be kept. Heads of one layer may come at once from several threads.
     */
    interface Reader {
        void head(int prompt, int layer, int head, float[] maps, int offset);
    }

    static void read(Gpt2 model, Prompts prompts, Reader reader) {
        Boundary end = Boundary.residMid(model.config().nLayers() - 1);
        for (int prompt = 0; prompt < prompts.size(); prompt++) {
            int[] tokens = prompts.tokens(prompt);
            model.forward(ForwardRequest.of(tokens).to(end).probe(new Patterns(prompt, tokens.length, reader)));
        }
    }

    /** Hands out the patterns of a pass as they are formed, so that those of one layer alone are in memory. */
    private record Patterns(int prompt, int length, Reader reader) implements Probe {
        @Override
        public boolean wants(HookPoint point) {
            return point.site() == Site.PATTERN;
        }

        @Override
        public boolean changes(HookPoint point) {
            return false;
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            float[] maps = activation.values();
            int from = activation.offset(0);
            int size = length * length;
            IntStream.range(0, activation.size(0) / size)
                    .parallel()
                    .forEach(head -> reader.head(prompt, point.layer(), head, maps, from + head * size));
        }
    }
}
