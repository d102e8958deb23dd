package dev.hyaline.analysis.sparse.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.instrument.CounterRandom;
import org.junit.jupiter.api.Test;

/** Losses without reference values, against their definition in float64 and its finite differences. */
class StepGradientTest {
    private static final int N = 12;
    private static final int D = 5;
    private static final int TOKENS = 9;
    private static final double H = 1e-6;

    private final float[] x = numbers("x", TOKENS * D, 1);

    private static float[] numbers(String name, int count, double size) {
        CounterRandom random = CounterRandom.of(3).named("step/" + name);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) (size * random.gaussian(i));
        }
        return numbers;
    }

    private static Weights weights() {
        Weights w = new Weights(N, D, D);
        w.put(Weights.ENCODER, numbers("encoder", N * D, 0.6));
        w.put(Weights.ENCODER_BIAS, numbers("b_enc", N, 0.1));
        w.put(Weights.DECODER, numbers("decoder", N * D, 0.6));
        w.put(Weights.DECODER_BIAS, numbers("b_dec", D, 0.1));
        return w;
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }

    /** Parameters in float64: encoder, its bias, decoder and its bias. */
    private record Reference(double[] encoder, double[] bias, double[] decoder, double[] outBias) {
        static Reference of(Weights w) {
            return new Reference(
                    doubles(w.value(Weights.ENCODER)),
                    doubles(w.value(Weights.ENCODER_BIAS)),
                    doubles(w.value(Weights.DECODER)),
                    doubles(w.value(Weights.DECODER_BIAS)));
        }

        double z(float[] x, int token, int latent) {
            double z = bias[latent];
            for (int c = 0; c < D; c++) {
                z += (x[token * D + c] - outBias[c]) * encoder[latent * D + c];
            }
            return z;
        }

        double norm(int latent) {
            double sum = 0;
            for (int c = 0; c < D; c++) {
                sum += decoder[latent * D + c] * decoder[latent * D + c];
            }
            return Math.sqrt(sum);
        }
    }

    @Test
    void annealedPenaltiesHaveTheirGradient() {
        TrainedActivation.AnnealedRelu annealed = new TrainedActivation.AnnealedRelu(0.7, true, 0.4, 0, 1, 1);
        Weights w = weights();
        try (WorkerPool pool = new WorkerPool(2)) {
            Step step = new Step(Recipe.of(annealed), w, 1, true, TileProduct.kernels(), pool);
            Losses losses = step.backward(x, x, TOKENS, new boolean[N], 1);
            double factor = step.annealing().orElseThrow().factor();
            assertThat(step.annealing().orElseThrow().exponent()).isEqualTo(0.4);
            // The penalty is what it was with an exponent of 1.
            assertThat(losses.sparsity()).isCloseTo(0.7 * penalty(Reference.of(w), 1), within(1e-5));
            assertThat(losses.sparsity()).isCloseTo(0.7 * factor * penalty(Reference.of(w), 0.4), within(1e-5));
            assertGradients(w, reference -> error(reference) + 0.7 * factor * penalty(reference, 0.4), 1e-3);
        }
        assertThat(new TrainedActivation.AnnealedRelu(1, true, 0.2, 100, 200, 4).exponent(99))
                .isEqualTo(1);
        assertThat(new TrainedActivation.AnnealedRelu(1, true, 0.2, 100, 200, 4).exponent(100))
                .isCloseTo(0.8, within(1e-12));
        assertThat(new TrainedActivation.AnnealedRelu(1, true, 0.2, 100, 200, 4).exponent(1000))
                .isCloseTo(0.2, within(1e-12));
        assertThatThrownBy(() -> new TrainedActivation.AnnealedRelu(1, true, 0, 0, 10, 1))
                .isInstanceOf(BadInputException.class);
    }

    private double penalty(Reference r, double p) {
        double sum = 0;
        for (int t = 0; t < TOKENS; t++) {
            for (int i = 0; i < N; i++) {
                double f = Math.max(r.z(x, t, i), 0);
                sum += f > 0 ? Math.pow(f * r.norm(i), p) : 0;
            }
        }
        return sum / TOKENS;
    }

    private double[] rest(Reference r, int token, boolean[] left) {
        double[] rest = new double[D];
        for (int c = 0; c < D; c++) {
            rest[c] = x[token * D + c] - r.outBias[c];
        }
        for (int i = 0; i < N; i++) {
            double f = left[i] ? 0 : Math.max(r.z(x, token, i), 0);
            for (int c = 0; c < D; c++) {
                rest[c] -= f * r.decoder[i * D + c];
            }
        }
        return rest;
    }

    private double error(Reference r) {
        double sum = 0;
        for (int t = 0; t < TOKENS; t++) {
            sum += squares(rest(r, t, new boolean[N]));
        }
        return sum / TOKENS;
    }

    private static double squares(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value * value;
        }
        return sum;
    }

    @Test
    void ghostGradientsReachTheDeadAlone() {
        Weights w = weights();
        boolean[] dead = new boolean[N];
        for (int i : new int[] {2, 3, 9}) {
            dead[i] = true;
            w.value(Weights.ENCODER_BIAS)[i] = -9; // Never above zero.
        }
        Recipe recipe = Recipe.of(new TrainedActivation.PenalizedRelu(0, true)).auxiliary(Recipe.Auxiliary.GHOST, 1, 0);
        Reference base = Reference.of(w);
        double[] scales = new double[TOKENS];
        double[] weights = new double[TOKENS];
        double value = 0;
        for (int t = 0; t < TOKENS; t++) {
            double[] rest = rest(base, t, dead);
            double[] ghost = ghost(base, t, dead);
            scales[t] = Math.sqrt(squares(rest)) / (2 * Math.sqrt(squares(ghost)) + 1e-6);
            double squares = squares(difference(ghost, scales[t], rest));
            weights[t] = squares(rest) / (squares + 1e-6);
            value += weights[t] * squares / TOKENS;
        }
        try (WorkerPool pool = new WorkerPool(2)) {
            Step step = new Step(recipe, w, 1, true, TileProduct.kernels(), pool);
            Losses losses = step.backward(x, x, TOKENS, dead, 1);
            assertThat(losses.auxiliary()).isCloseTo(value, within(1e-4 * value));
            double[][] rests = new double[TOKENS][];
            for (int t = 0; t < TOKENS; t++) {
                rests[t] = rest(base, t, dead);
            }
            assertGradients(
                    w,
                    r -> {
                        double sum = error(r);
                        for (int t = 0; t < TOKENS; t++) {
                            sum += weights[t] * squares(difference(ghost(r, t, dead), scales[t], rests[t])) / TOKENS;
                        }
                        return sum;
                    },
                    1e-3);
            for (int i = 0; i < N; i++) {
                assertThat(w.get(Weights.ENCODER).gradient[i * D] != 0).isTrue();
            }
        }
        assertThatThrownBy(() -> Recipe.of(new TrainedActivation.PenalizedGate(1, false))
                        .auxiliary(Recipe.Auxiliary.GHOST, 1, 0))
                .hasMessageContaining("ghost");
    }

    private double[] ghost(Reference r, int token, boolean[] dead) {
        double[] ghost = new double[D];
        for (int i = 0; i < N; i++) {
            double f = dead[i] ? Math.exp(r.z(x, token, i)) : 0;
            for (int c = 0; c < D; c++) {
                ghost[c] += f * r.decoder[i * D + c];
            }
        }
        return ghost;
    }

    private static double[] difference(double[] ghost, double scale, double[] rest) {
        double[] difference = new double[D];
        for (int c = 0; c < D; c++) {
            difference[c] = scale * ghost[c] - rest[c];
        }
        return difference;
    }

    private interface Loss {
        double of(Reference parameters);
    }

    /** Compares all gradients with central differences of a loss in float64. */
    private static void assertGradients(Weights w, Loss loss, double tolerance) {
        Reference r = Reference.of(w);
        compare(w.get(Weights.ENCODER), r.encoder, r, loss, tolerance);
        compare(w.get(Weights.ENCODER_BIAS), r.bias, r, loss, tolerance);
        compare(w.get(Weights.DECODER), r.decoder, r, loss, tolerance);
        compare(w.get(Weights.DECODER_BIAS), r.outBias, r, loss, tolerance);
    }

    private static void compare(
            Weights.Parameter found, double[] parameter, Reference all, Loss loss, double tolerance) {
        double largest = 0;
        double[] expected = new double[parameter.length];
        for (int i = 0; i < parameter.length; i++) {
            double before = parameter[i];
            parameter[i] = before + H;
            double above = loss.of(all);
            parameter[i] = before - H;
            double below = loss.of(all);
            parameter[i] = before;
            expected[i] = (above - below) / (2 * H);
            largest = Math.max(largest, Math.abs(expected[i]));
        }
        for (int i = 0; i < parameter.length; i++) {
            assertThat((double) found.gradient[i])
                    .as("gradient %d", i)
                    .isCloseTo(expected[i], within(tolerance * largest));
        }
    }
}
