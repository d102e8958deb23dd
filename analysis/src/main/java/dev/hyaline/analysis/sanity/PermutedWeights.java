package dev.hyaline.analysis.sanity;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.instrument.CounterRandom;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/** Weights of which some tensors have their values permuted among themselves. */
final class PermutedWeights implements TensorSource {
    private final Map<String, float[]> tensors = new HashMap<>();

    private PermutedWeights() {}

    /** Permutes the tensors of the layers from {@code firstLayer} on, and perhaps all that is no layer's. */
    static Gpt2Weights of(Gpt2Weights weights, int firstLayer, boolean embeddings, CounterRandom random) {
        Predicate<String> permuted = name -> name.startsWith("h.") ? layer(name) >= firstLayer : embeddings;
        PermutedWeights source = new PermutedWeights();
        for (TensorSpec tensor : Gpt2Weights.tensors(weights.config())) {
            float[] values = weights.tensor(tensor.name());
            if (permuted.test(tensor.name())) {
                int[] order = random.named(tensor.name()).permutation(values.length);
                float[] changed = new float[values.length];
                for (int i = 0; i < changed.length; i++) {
                    changed[i] = values[order[i]];
                }
                values = changed;
            }
            source.tensors.put(tensor.name(), values);
        }
        return Gpt2Weights.load(weights.config(), source);
    }

    private static int layer(String name) {
        return Integer.parseInt(name.substring(2, name.indexOf('.', 2)));
    }

    @Override
    public String name() {
        return "permuted weights";
    }

    @Override
    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
        float[] values = Objects.requireNonNull(tensors.get(tensor.name()), tensor.name());
        System.arraycopy(values, firstRow * tensor.columns(), out, offset, rows * tensor.columns());
    }
}
