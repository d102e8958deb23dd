package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Random prompts for small random models. */
final class SmallExperiments {
    private SmallExperiments() {}

    static Gpt2Config config(int layers, int heads, int dHead) {
        return new Gpt2Config(
                layers,
                heads,
                heads * dHead,
                3 * heads * dHead + 1,
                16,
                23,
                1e-5f,
                ActivationFunction.GELU_NEW,
                true,
                false,
                true);
    }

    /** Pairs that differ from one position on, or nowhere. */
    static PromptPairs pairs(Gpt2Config config, int count, int length, Random random) {
        return PromptPairs.of(
                config,
                IntStream.range(0, count)
                        .mapToObj(i -> pair("pair " + i, config, length, random))
                        .toList());
    }

    private static PromptPair pair(String name, Gpt2Config config, int length, Random random) {
        int[] clean = random.ints(length, 0, config.dVocab()).toArray();
        int[] corrupted = clean.clone();
        for (int p = random.nextInt(length + 1); p < length; p++) {
            corrupted[p] = random.nextBoolean() ? random.nextInt(config.dVocab()) : clean[p];
        }
        return new PromptPair(name, clean, corrupted, new int[] {1, 2}, new int[] {3}, Map.of("S", length / 2));
    }

    static List<Integer> steps(int size) {
        return IntStream.range(0, size).boxed().toList();
    }
}
