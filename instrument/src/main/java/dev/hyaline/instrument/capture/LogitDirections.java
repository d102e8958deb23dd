package dev.hyaline.instrument.capture;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The directions in the residual stream, before the final LayerNorm, along which the logits of chosen tokens grow; one
 * for each row of a cache.
 */
final class LogitDirections {
    private static final int[] NONE = {};

    private final ActivationCache cache;
    private final TokenRows rows;
    private final Gpt2Weights weights;
    private final Gpt2Config config;
    private final int[] tokens;
    /** Empty if the logits themselves are asked for, not differences. */
    private final int[] incorrect;

    private LogitDirections(ActivationCache cache, int[] tokens, int[] incorrect) {
        this.cache = cache;
        this.rows = cache.rows();
        this.weights = cache.weights();
        this.config = weights.config();
        this.tokens = byRow(tokens);
        this.incorrect = incorrect.length == 0 ? NONE : byRow(incorrect);
    }

    static LogitDirections of(ActivationCache cache, int[] tokens) {
        return new LogitDirections(cache, tokens, NONE);
    }

    static LogitDirections of(ActivationCache cache, int[] tokens, int[] incorrect) {
        if (incorrect.length == 0) {
            throw new BadInputException("a logit difference needs tokens to subtract, but there are none");
        }
        return new LogitDirections(cache, tokens, incorrect);
    }

    LogitAttribution attribute(ResidualStack stack) {
        if (stack.rows() != rows) {
            throw new BadInputException("the stack belongs to another cache");
        }
        LayerNormInput norm = new LayerNormInput(cache, Boundary.last(config));
        double[] scales = norm.scales();
        float[] unembeddingBias = weights.tensor(Gpt2Weights.UNEMBEDDING_BIAS);
        Map<Long, double[]> unembeddings = new HashMap<>();
        double[][] directions = new double[rows.size()][];
        double[] bias = new double[rows.size()];
        for (int row = 0; row < directions.length; row++) {
            int r = row;
            long key = tokens[row] * (long) config.dVocab() + (incorrect.length == 0 ? 0 : incorrect[row]);
            double[] unembedding = unembeddings.computeIfAbsent(key, k -> unembedding(r));
            directions[row] = throughNorm(unembedding, norm.gain(), scales[row]);
            bias[row] = of(row, unembeddingBias);
            for (int i = 0; i < unembedding.length; i++) {
                bias[row] += norm.bias()[i] * unembedding[i];
            }
        }
        return new LogitAttribution(rows, stack.labels(), stack.project(row -> directions[row]), bias, logits());
    }

    /** A column of {@code W_U}, or the difference of two. */
    private double[] unembedding(int row) {
        double[] direction = new double[config.dModel()];
        float[] column = column(tokens[row]);
        float[] other = incorrect.length == 0 ? new float[column.length] : column(incorrect[row]);
        for (int i = 0; i < direction.length; i++) {
            direction[i] = (double) column[i] - other[i];
        }
        return direction;
    }

    private float[] column(int token) {
        float[] column = new float[config.dModel()];
        TensorSpec unembedding = new TensorSpec("lm_head.weight", List.of(config.dVocab(), config.dModel()));
        weights.read(unembedding, token, 1, column, 0);
        return column;
    }

    /** {@code x . out} is {@code ((x - mean(x)) / scale * gain) . direction}. */
    private static double[] throughNorm(double[] direction, float[] gain, double scale) {
        double[] out = new double[direction.length];
        double mean = 0;
        for (int i = 0; i < out.length; i++) {
            out[i] = direction[i] * gain[i] / scale;
            mean += out[i] / out.length;
        }
        for (int i = 0; i < out.length; i++) {
            out[i] -= mean;
        }
        return out;
    }

    private @Nullable Double[] logits() {
        @Nullable Double[] logits = new Double[rows.size()];
        HookPoint point = HookPoint.of(Site.UNEMBED_OUT);
        boolean recorded = cache.points().contains(point);
        for (int row = 0; row < logits.length; row++) {
            int s = rows.sequence(row);
            int index = row - rows.firstRow(s);
            if (recorded) {
                logits[row] = of(row, cache.recorded(point)[s], index * config.dVocab());
            } else if (rows.position(row) == rows.length(s) - 1) {
                logits[row] = of(row, cache.nextTokenLogits(s));
            }
        }
        return logits;
    }

    /** A row's token's value, or the difference of its two, in values by token. */
    private double of(int row, float[] byToken) {
        return of(row, byToken, 0);
    }

    private double of(int row, float[] byToken, int offset) {
        double value = byToken[offset + tokens[row]];
        return incorrect.length == 0 ? value : value - byToken[offset + incorrect[row]];
    }

    private int[] byRow(int[] chosen) {
        boolean one = chosen.length == 1;
        boolean aSequence = chosen.length == rows.sequences();
        if (!one && !aSequence && chosen.length != rows.size()) {
            throw new BadInputException("expected one token, one a sequence (" + rows.sequences() + ") or one a row ("
                    + rows.size() + "), found " + chosen.length);
        }
        int[] byRow = new int[rows.size()];
        for (int row = 0; row < byRow.length; row++) {
            int token = chosen[one ? 0 : aSequence ? rows.sequence(row) : row];
            if (token < 0 || token >= config.dVocab()) {
                throw new BadInputException("tokens must be from 0 to " + (config.dVocab() - 1) + ", found " + token);
            }
            byRow[row] = token;
        }
        return byRow;
    }
}
