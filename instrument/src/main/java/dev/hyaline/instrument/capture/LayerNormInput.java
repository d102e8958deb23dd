package dev.hyaline.instrument.capture;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.capture.ResidualStack.RowSource;

/** The LayerNorm that reads the residual stream at a boundary, with the scales it had in a recorded run. */
final class LayerNormInput {
    private final ActivationCache cache;
    private final Boundary at;
    private final HookPoint scalePoint;
    private final int d;
    private final float eps;
    private final float[] gain;
    private final float[] bias;

    LayerNormInput(ActivationCache cache, Boundary at) {
        this.cache = cache;
        this.at = at;
        Gpt2Weights weights = cache.weights();
        Gpt2Config config = weights.config();
        this.d = config.dModel();
        this.eps = config.eps();
        this.scalePoint = switch (at.stage(config)) {
            case ATTENTION -> HookPoint.of(Site.LN1_SCALE, at.layer());
            case MLP -> HookPoint.of(Site.LN2_SCALE, at.layer());
            case UNEMBEDDING -> HookPoint.of(Site.LN_FINAL_SCALE);
            case EMBEDDING -> throw new AssertionError(at);
        };
        String name = switch (at.stage(config)) {
            case ATTENTION -> "h." + at.layer() + ".ln_1";
            case MLP -> "h." + at.layer() + ".ln_2";
            case UNEMBEDDING -> "ln_f";
            case EMBEDDING -> throw new AssertionError(at);
        };
        this.gain = weights.tensor(name + ".weight");
        this.bias = weights.tensor(name + ".bias");
    }

    float[] gain() {
        return gain;
    }

    float[] bias() {
        return bias;
    }

    /**
     * The divisor of each row, {@code [rows]}: as recorded, or from the recorded residual stream.
     *
     * @throws BadInputException if neither was recorded
     */
    double[] scales() {
        boolean recorded = cache.points().contains(scalePoint);
        float[][] values = cache.recorded(recorded ? scalePoint : cache.requireResidual(at));
        TokenRows rows = cache.rows();
        double[] scales = new double[rows.size()];
        for (int row = 0; row < scales.length; row++) {
            int s = rows.sequence(row);
            int index = row - rows.firstRow(s);
            scales[row] = recorded ? values[s][index] : scale(values[s], index * d);
        }
        return scales;
    }

    /** Centred and divided by the run's scale; gain and bias are not applied. */
    RowSource centredAndScaled(RowSource source, double[] scales) {
        return (row, out, offset) -> {
            source.row(row, out, offset);
            double mean = mean(out, offset);
            for (int i = offset; i < offset + d; i++) {
                out[i] = (float) ((out[i] - mean) / scales[row]);
            }
        };
    }

    /** The whole norm with each vector's own statistics, gain and bias. */
    RowSource applied(RowSource source) {
        return (row, out, offset) -> {
            source.row(row, out, offset);
            double mean = mean(out, offset);
            double scale = scale(out, offset);
            for (int i = 0; i < d; i++) {
                out[offset + i] = (float) ((out[offset + i] - mean) / scale * gain[i] + bias[i]);
            }
        };
    }

    private double mean(float[] values, int offset) {
        double sum = 0;
        for (int i = offset; i < offset + d; i++) {
            sum += values[i];
        }
        return sum / d;
    }

    private double scale(float[] values, int offset) {
        double mean = mean(values, offset);
        double squares = 0;
        for (int i = offset; i < offset + d; i++) {
            squares += (values[i] - mean) * (values[i] - mean);
        }
        return Math.sqrt(squares / d + eps);
    }
}
