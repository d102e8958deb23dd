package dev.hyaline.instrument.training;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.ParameterGradients;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * A model's parameters with their means of gradients and of their squares. A parameter's step depends on its own values
 * alone, so it has the same bits for any number of threads.
 */
final class AdamW implements TensorSource {
    private static final int CHUNK = 1 << 16;

    /** A tensor's values, mean gradient and mean square. */
    record State(float[] values, float[] mean, float[] square) {
        static State zeros(int elements) {
            return new State(new float[elements], new float[elements], new float[elements]);
        }
    }

    private final List<TensorSpec> tensors;
    private final Map<String, State> states = new LinkedHashMap<>();

    AdamW(Gpt2Config config) {
        tensors = Gpt2Weights.tensors(config);
        for (TensorSpec tensor : tensors) {
            states.put(tensor.name(), State.zeros(Math.toIntExact(tensor.elements())));
        }
    }

    State state(String tensor) {
        return Objects.requireNonNull(states.get(tensor), tensor);
    }

    /**
     * Takes a step.
     *
     * @param step from 0
     * @param factor of the gradients, which clips them
     */
    void step(TrainingOptions options, int step, ParameterGradients gradients, double factor) {
        double rate = options.rate(step);
        double meanLeft = 1 - StrictMath.pow(options.beta1(), step + 1);
        double squareLeft = 1 - StrictMath.pow(options.beta2(), step + 1);
        for (TensorSpec tensor : tensors) {
            State state = state(tensor.name());
            float[] gradient = gradients.of(tensor.name());
            double kept = tensor.shape().size() > 1 ? 1 - rate * options.decay() : 1;
            int n = gradient.length;
            IntStream.range(0, (n + CHUNK - 1) / CHUNK).parallel().forEach(chunk -> {
                for (int i = chunk * CHUNK; i < Math.min(n, (chunk + 1) * CHUNK); i++) {
                    double g = factor * gradient[i];
                    double mean = options.beta1() * state.mean[i] + (1 - options.beta1()) * g;
                    double square = options.beta2() * state.square[i] + (1 - options.beta2()) * g * g;
                    state.mean[i] = (float) mean;
                    state.square[i] = (float) square;
                    double change = mean / meanLeft / (Math.sqrt(square / squareLeft) + options.epsilon());
                    state.values[i] = (float) (kept * state.values[i] - rate * change);
                }
            });
        }
    }

    @Override
    public String name() {
        return "a model in training";
    }

    @Override
    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
        int columns = tensor.columns();
        System.arraycopy(state(tensor.name()).values, firstRow * columns, out, offset, rows * columns);
    }
}
