package dev.hyaline.analysis.attention;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import java.util.List;
import java.util.stream.IntStream;

/** The attention of a model on prompts, a prompt at a time. */
final class AttentionPatterns {
    private AttentionPatterns() {}

    /** Takes one head's pattern on one prompt, {@code [queries, keys]} in {@code maps} from {@code offset}. */
    interface Reader {
        void head(int prompt, int layer, int head, float[] maps, int offset);
    }

    static void read(Gpt2 model, Prompts prompts, Reader reader) {
        int layers = model.config().nLayers();
        Capture capture = Capture.of(model.config(), Site.PATTERN.localName());
        for (int prompt = 0; prompt < prompts.size(); prompt++) {
            Prompts one = Prompts.of(model.config(), List.of(prompts.tokens(prompt)), List.of(prompts.name(prompt)));
            ActivationCache cache = ActivationCache.record(model, one, capture);
            int index = prompt;
            int n = prompts.length(prompt);
            IntStream.range(0, layers).forEach(layer -> {
                float[] maps = cache.values(HookPoint.of(Site.PATTERN, layer), 0);
                for (int head = 0; head < model.config().nHeads(); head++) {
                    reader.head(index, layer, head, maps, head * n * n);
                }
            });
        }
    }
}
