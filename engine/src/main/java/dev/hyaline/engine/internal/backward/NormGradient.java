package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.Site;
import org.jspecify.annotations.Nullable;

/** The way back through a LayerNorm, which is formed again first. */
final class NormGradient {
    private static final float[] NOTHING = {};

    private final int d;
    private final float eps;
    private final Kernels kernels;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final GradientHooks hooks;

    private KeptPass kept = KeptPass.NONE;
    private int rows;
    private float[] normalized = NOTHING;
    private float[] scales = NOTHING;
    private float[] out = NOTHING;

    NormGradient(int d, float eps, Kernels kernels, WorkerPool pool, GradientHooks hooks) {
        this.d = d;
        this.eps = eps;
        this.kernels = kernels;
        gradients = kernels.gradients();
        this.pool = pool;
        this.hooks = hooks;
    }

    void begin(KeptPass kept, int rows) {
        this.kept = kept;
        this.rows = rows;
        if (scales.length < rows) {
            normalized = new float[Batch.arraySize(rows, d)];
            out = new float[rows * d];
            scales = new float[rows];
        }
    }

    /** Forgets the pass. */
    void end() {
        kept = KeptPass.NONE;
    }

    /** The values of the last norm that was formed, before gain and bias: {@code [rows, dModel]}. */
    float[] normalized() {
        return normalized;
    }

    /** What the last norm divided by: {@code [rows]}. */
    float[] scales() {
        return scales;
    }

    /** What the last norm left: {@code [rows, dModel]}. */
    float[] out() {
        return out;
    }

    /** Forms a norm again. */
    void form(float[] in, PackedWeights.Norm norm, Site scaleSite, Site normalizedSite, int layer) {
        float[] editedScales = kept.at(GradientHooks.point(scaleSite, layer));
        float[] editedNormalized = kept.at(GradientHooks.point(normalizedSite, layer));
        RowLoop.run(pool, rows, row -> {
            int at = row * d;
            scales[row] = kernels.center(normalized, at, in, at, d, eps);
            kernels.divide(normalized, at, d, editedScales == null ? scales[row] : editedScales[row]);
            float[] read = editedNormalized == null ? normalized : editedNormalized;
            kernels.affine(out, at, read, at, norm.gain(), norm.bias(), d);
        });
    }

    /**
     * From the gradient at the output of the norm that was formed to that at what it reads, in place.
     *
     * @param g {@code [rows, dModel]}
     */
    void back(
            float[] g,
            PackedWeights.Norm norm,
            Site scaleSite,
            Site normalizedSite,
            int layer,
            @Nullable ParameterSums parameters) {
        if (parameters != null) {
            String name = switch (scaleSite) {
                case LN1_SCALE -> "h." + layer + ".ln_1";
                case LN2_SCALE -> "h." + layer + ".ln_2";
                default -> "ln_f";
            };
            parameters.norm(name, normalized, g, d);
        }
        if (!hooks.isWanted(GradientHooks.point(scaleSite, layer))
                && !hooks.isWanted(GradientHooks.point(normalizedSite, layer))) {
            RowLoop.run(pool, rows, row -> {
                gradients.multiply(g, row * d, norm.gain(), 0, d);
                gradients.normGradient(g, row * d, normalized, row * d, d, scales[row]);
            });
            return;
        }
        RowLoop.run(pool, rows, row -> gradients.multiply(g, row * d, norm.gain(), 0, d));
        hooks.back(normalizedSite, layer, g, d);
        float[] edited = kept.at(GradientHooks.point(scaleSite, layer));
        float[] divisors = edited == null ? scales : edited;
        float[] ofScale = new float[rows];
        RowLoop.run(
                pool, rows, row -> ofScale[row] = -gradients.dot(g, row * d, normalized, row * d, d) / divisors[row]);
        float[] before = ofScale.clone();
        hooks.back(scaleSite, layer, ofScale, 1);
        RowLoop.run(pool, rows, row -> {
            if (divisors[row] == scales[row] && ofScale[row] == before[row]) {
                gradients.normGradient(g, row * d, normalized, row * d, d, scales[row]);
            } else {
                edited(g, row, divisors[row], ofScale[row]);
            }
        });
    }

    /** A row whose scale, or the gradient there, an edit changed. */
    private void edited(float[] g, int row, float divisor, float ofScale) {
        double[] centered = new double[d];
        double mean = 0;
        for (int i = 0; i < d; i++) {
            double value = (double) normalized[row * d + i] * divisor;
            centered[i] = g[row * d + i] / (double) divisor + ofScale * value / ((double) d * scales[row]);
            mean += centered[i] / d;
        }
        for (int i = 0; i < d; i++) {
            g[row * d + i] = (float) (centered[i] - mean);
        }
    }
}
