package dev.hyaline.instrument.training;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.ParameterGradients;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.AdamStep;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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

    private final GradientKernels kernels;
    private final List<TensorSpec> tensors;
    private final Map<String, State> states = new LinkedHashMap<>();

    AdamW(Gpt2Config config, GradientKernels kernels) {
        this.kernels = kernels;
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
        AdamStep ofGains = adam(options, step, factor, 1);
        AdamStep ofMatrices = adam(options, step, factor, 1 - options.rate(step) * options.decay());
        for (TensorSpec tensor : tensors) {
            State state = state(tensor.name());
            float[] gradient = gradients.of(tensor.name());
            AdamStep adam = tensor.shape().size() > 1 ? ofMatrices : ofGains;
            int n = gradient.length;
            IntStream.range(0, (n + CHUNK - 1) / CHUNK).parallel().forEach(chunk -> {
                int from = chunk * CHUNK;
                int count = Math.min(CHUNK, n - from);
                kernels.adam(state.values, state.mean, state.square, from, gradient, from, count, adam);
            });
        }
    }

    /** The name of the first tensor with a value that is not finite, if there is one. */
    Optional<String> firstNotFinite() {
        return tensors.stream()
                .map(TensorSpec::name)
                .filter(name -> !isFinite(state(name).values))
                .findFirst();
    }

    private static boolean isFinite(float[] values) {
        // 0 times what is not finite is NaN, which a sum keeps.
        float sum = 0;
        for (float value : values) {
            sum += 0 * value;
        }
        return sum == 0;
    }

    private static AdamStep adam(TrainingOptions options, int step, double factor, double kept) {
        return new AdamStep(
                (float) options.rate(step),
                (float) options.beta1(),
                (float) options.beta2(),
                (float) (1 / (1 - StrictMath.pow(options.beta1(), step + 1))),
                (float) (1 / (1 - StrictMath.pow(options.beta2(), step + 1))),
                (float) options.epsilon(),
                (float) factor,
                (float) kept);
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
