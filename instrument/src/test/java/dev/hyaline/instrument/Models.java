package dev.hyaline.instrument;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** A small model for tests, and what its hook points hold. */
public final class Models {
    public static final Gpt2Config CONFIG = RandomModels.SMALL;

    private Models() {}

    public static Gpt2 small() {
        return Gpt2.of(Gpt2Weights.random(CONFIG, 7), 1);
    }

    public static Prompts prompts(int... lengths) {
        Random random = new Random(11);
        return Prompts.of(
                CONFIG,
                Arrays.stream(lengths)
                        .mapToObj(length ->
                                random.ints(length, 0, CONFIG.dVocab()).toArray())
                        .toArray(int[][]::new));
    }

    /** Every point's values in a pass over one sequence alone, read without anything of this module. */
    public static Map<HookPoint, float[]> everything(Gpt2 model, int[] tokens) {
        Map<HookPoint, float[]> values = new HashMap<>();
        model.forward(ForwardRequest.of(tokens).probe(new CallingProbe(point -> true, (point, a) -> {
            values.put(point, Arrays.copyOfRange(a.values(), a.offset(0), a.offset(0) + a.size(0)));
        })));
        return values;
    }
}
