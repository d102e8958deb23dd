package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.files.RecordText;
import java.util.Arrays;

/**
 * The toy model of superposition (Elhage et al. 2022): {@code x_hat = relu(W^T W x + b)}, which squeezes features
 * through fewer dimensions and back. A row of {@code W} here is a feature's direction, {@code [features, hidden]}.
 * Without the relu it is linear, and learns what principal component analysis finds. Immutable.
 */
public final class ToyModel {
    /** Samples that are taken at a time. */
    private static final int CHUNK = 2048;

    private final int features;
    private final int hidden;
    private final float[] weights;
    private final float[] bias;
    private final boolean relu;

    private ToyModel(int features, int hidden, float[] weights, float[] bias, boolean relu) {
        this.features = features;
        this.hidden = hidden;
        this.weights = weights;
        this.bias = bias;
        this.relu = relu;
    }

    /**
     * A model with these parameters.
     *
     * @param hidden dimensions that features are squeezed through
     * @param weights {@code [features, hidden]}; copied
     * @param bias {@code [features]}; copied
     * @throws BadShapeException if the weights are not a row of {@code hidden} values for each bias
     */
    public static ToyModel of(int hidden, float[] weights, float[] bias) {
        if (hidden < 1 || bias.length == 0 || weights.length != (long) bias.length * hidden) {
            throw new BadShapeException(
                    "weights of a toy model",
                    "[" + bias.length + ", " + hidden + "] with at least one of each",
                    weights.length + " values");
        }
        return new ToyModel(bias.length, hidden, weights.clone(), bias.clone(), true);
    }

    /** The same parameters without the relu. */
    public ToyModel linear() {
        return new ToyModel(features, hidden, weights, bias, false);
    }

    public int features() {
        return features;
    }

    /** Dimensions that features are squeezed through. */
    public int hidden() {
        return hidden;
    }

    /** Directions of the features, {@code [features, hidden]}; a copy. */
    public float[] weights() {
        return weights.clone();
    }

    /** A copy. */
    public float[] bias() {
        return bias.clone();
    }

    public boolean isLinear() {
        return !relu;
    }

    /** The geometry of the features' directions. */
    public FeatureGeometry geometry() {
        return FeatureGeometry.of(weights, hidden);
    }

    /**
     * Reconstructs samples.
     *
     * @param x {@code [samples, features]}
     */
    public float[] reconstruct(float[] x) {
        requireSamples(x);
        float[] out = new float[x.length];
        int samples = x.length / features;
        Pass pass = new Pass(features, hidden, Math.min(samples, CHUNK));
        for (int first = 0; first < samples; first += CHUNK) {
            int count = Math.min(CHUNK, samples - first);
            pass.take(x, first, count);
            pass.reconstruct(weights, bias, relu, count, out, first);
        }
        return out;
    }

    /**
     * The mean over samples of {@code sum_i I_i (x_i - x_hat_i)^2}.
     *
     * @param x {@code [samples, features]}
     * @param importance {@code I}, {@code [features]}
     */
    public double loss(float[] x, float[] importance) {
        return gradients(x, importance).loss;
    }

    /**
     * The loss and its derivatives, written out by hand: with {@code r = (2/B) I (x_hat - x) 1[pre > 0]}, {@code dW = W
     * (x^T r + r^T x)} and {@code db = sum r}.
     *
     * @param x {@code [samples, features]}
     * @param importance {@code I}, {@code [features]}
     * @throws BadShapeException if an array has another size
     * @throws BadInputException if there is no sample
     */
    public ToyGradients gradients(float[] x, float[] importance) {
        requireSamples(x);
        if (importance.length != features) {
            throw new BadShapeException("importance", features + ", one a feature", importance.length + " values");
        }
        int samples = x.length / features;
        Pass pass = new Pass(features, hidden, Math.min(samples, CHUNK));
        double[] ofWeights = new double[weights.length];
        double[] ofBias = new double[features];
        double loss = 0;
        for (int first = 0; first < samples; first += CHUNK) {
            int count = Math.min(CHUNK, samples - first);
            pass.take(x, first, count);
            double share = (double) count / samples;
            loss += share * pass.gradients(weights, bias, importance, relu, count);
            add(ofWeights, pass.weightGradient, share);
            add(ofBias, pass.biasGradient, share);
        }
        return new ToyGradients(loss, ofWeights, ofBias);
    }

    private static void add(double[] to, float[] values, double share) {
        for (int i = 0; i < to.length; i++) {
            to[i] += share * values[i];
        }
    }

    private void requireSamples(float[] x) {
        if (x.length % features != 0) {
            throw new BadShapeException("samples", "rows of " + features + " values", x.length + " values");
        }
        if (x.length == 0) {
            throw new BadInputException("a toy model needs at least one sample, found none");
        }
    }

    /**
     * A loss and its derivatives.
     *
     * @param weights {@code [features, hidden]}
     * @param bias {@code [features]}
     */
    public record ToyGradients(double loss, double[] weights, double[] bias) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * The arithmetic of a pass there and back. A feature's values lie side by side over the samples, so that every loop
     * runs over these. Not thread-safe.
     */
    static final class Pass {
        private final GradientKernels kernels = TileProduct.kernels().gradients();
        private final int features;
        private final int hidden;
        private final int room;
        /** The samples, {@code [features, room]}. */
        final float[] x;
        /** What is squeezed, and the derivatives with respect to it; {@code [hidden, room]}. */
        private final float[] squeezed;

        private final float[] back;
        private final float[] out;
        private final float[] error;
        private final float[] ones;
        final float[] weightGradient;
        final float[] biasGradient;

        /** @param room most samples at a time */
        Pass(int features, int hidden, int room) {
            this.features = features;
            this.hidden = hidden;
            this.room = room;
            x = new float[features * room];
            squeezed = new float[hidden * room];
            back = new float[hidden * room];
            out = new float[room];
            error = new float[room];
            ones = new float[room];
            Arrays.fill(ones, 1);
            weightGradient = new float[features * hidden];
            biasGradient = new float[features];
        }

        /** Takes samples from rows. */
        void take(float[] rows, int first, int count) {
            for (int t = 0; t < count; t++) {
                for (int i = 0; i < features; i++) {
                    x[i * room + t] = rows[(first + t) * features + i];
                }
            }
        }

        private void squeeze(float[] weights, int count) {
            Arrays.fill(squeezed, 0);
            for (int i = 0; i < features; i++) {
                for (int k = 0; k < hidden; k++) {
                    kernels.addScaled(squeezed, k * room, x, i * room, count, weights[i * hidden + k]);
                }
            }
        }

        /** Forms a feature's outputs before the relu. */
        private void restore(float[] weights, float[] bias, int i, int count) {
            Arrays.fill(out, 0, count, bias[i]);
            for (int k = 0; k < hidden; k++) {
                kernels.addScaled(out, 0, squeezed, k * room, count, weights[i * hidden + k]);
            }
        }

        void reconstruct(float[] weights, float[] bias, boolean relu, int count, float[] rows, int first) {
            squeeze(weights, count);
            for (int i = 0; i < features; i++) {
                restore(weights, bias, i, count);
                for (int t = 0; t < count; t++) {
                    rows[(first + t) * features + i] = relu ? Math.max(out[t], 0) : out[t];
                }
            }
        }

        /** The mean loss of the samples; its gradients are left in the fields. */
        double gradients(float[] weights, float[] bias, float[] importance, boolean relu, int count) {
            squeeze(weights, count);
            Arrays.fill(back, 0);
            double loss = 0;
            for (int i = 0; i < features; i++) {
                restore(weights, bias, i, count);
                int at = i * room;
                float factor = 2 * importance[i] / count;
                for (int t = 0; t < count; t++) {
                    float open = relu ? Math.max(out[t], 0) : out[t];
                    error[t] = open - x[at + t];
                    out[t] = relu && !(out[t] > 0) ? 0 : factor * error[t];
                }
                loss += (double) importance[i] * kernels.dot(error, 0, error, 0, count) / count;
                biasGradient[i] = kernels.dot(out, 0, ones, 0, count);
                for (int k = 0; k < hidden; k++) {
                    kernels.addScaled(back, k * room, out, 0, count, weights[i * hidden + k]);
                    weightGradient[i * hidden + k] = kernels.dot(out, 0, squeezed, k * room, count);
                }
            }
            for (int i = 0; i < features; i++) {
                for (int k = 0; k < hidden; k++) {
                    weightGradient[i * hidden + k] += kernels.dot(x, i * room, back, k * room, count);
                }
            }
            return loss;
        }
    }

    @Override
    public String toString() {
        return "toy model of " + features + " features in " + hidden
                + (relu ? " dimensions, ReLU" : " dimensions, linear");
    }
}
