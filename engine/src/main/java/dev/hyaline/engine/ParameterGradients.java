package dev.hyaline.engine;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Sums of gradients with respect to every parameter of a model, as large as its weights in float32. Each tensor has the
 * layout it has in a checkpoint. Not thread-safe.
 */
public final class ParameterGradients {
    private static final int CHUNK = 1 << 16;

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
        double sum = 0;
        for (float[] tensor : tensors.values()) {
            double[] ofChunks = IntStream.range(0, (tensor.length + CHUNK - 1) / CHUNK)
                    .parallel()
                    .mapToDouble(
                            chunk -> sumOfSquares(tensor, chunk * CHUNK, Math.min(tensor.length, (chunk + 1) * CHUNK)))
                    .toArray();
            for (double ofChunk : ofChunks) { // in order, whatever the threads
                sum += ofChunk;
            }
        }
        return Math.sqrt(sum);
    }

    /** Four chains, as one would wait for each addition. */
    private static double sumOfSquares(float[] values, int from, int end) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int i = from;
        for (; i <= end - 4; i += 4) {
            a += (double) values[i] * values[i];
            b += (double) values[i + 1] * values[i + 1];
            c += (double) values[i + 2] * values[i + 2];
            d += (double) values[i + 3] * values[i + 3];
        }
        for (; i < end; i++) {
            a += (double) values[i] * values[i];
        }
        return a + b + (c + d);
    }

    @Override
    public String toString() {
        return "gradients of " + tensors.size() + " tensors";
    }
}
