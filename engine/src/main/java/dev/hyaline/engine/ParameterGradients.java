package dev.hyaline.engine;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sums of gradients with respect to every parameter of a model, as large as its weights in float32. Each tensor has the
 * layout it has in a checkpoint. Not thread-safe.
 */
public final class ParameterGradients {
    private final Map<String, float[]> tensors = new LinkedHashMap<>();

    private ParameterGradients(Gpt2Config config) {
        for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
            tensors.put(tensor.name(), new float[Math.toIntExact(tensor.elements())]);
        }
    }

    /** Zeros. */
    public static ParameterGradients zeros(Gpt2Config config) {
        return new ParameterGradients(config);
    }

    /**
     * The sum of a tensor's gradients itself, row-major, which the caller may change.
     *
     * @param name one of {@link Gpt2Weights#tensors}
     */
    public float[] of(String name) {
        float[] tensor = tensors.get(name);
        if (tensor == null) {
            throw new BadInputException("no tensor is called " + name);
        }
        return tensor;
    }

    /** Begins new sums. */
    public void clear() {
        tensors.values().parallelStream().forEach(tensor -> Arrays.fill(tensor, 0));
    }

    /** The length of all gradients as one vector, in double precision. */
    public double norm() {
        // Each tensor's sum is one chain, and those are added in the tensors' order.
        double[] ofTensors = tensors.values().parallelStream()
                .mapToDouble(tensor -> {
                    double ofTensor = 0;
                    for (float value : tensor) {
                        ofTensor += (double) value * value;
                    }
                    return ofTensor;
                })
                .toArray();
        double sum = 0;
        for (double ofTensor : ofTensors) {
            sum += ofTensor;
        }
        return Math.sqrt(sum);
    }
}
