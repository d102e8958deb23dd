package dev.hyaline.analysis.sparse.measure;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Printable;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * Measures of reconstructions, added up token by token in double precision: the values are those of all tokens
 * together, whatever the batches they came in. Not thread-safe.
 */
public final class ReconstructionStatistics {
    private final int d;
    private final double[] mean;
    private final boolean knowsMean;
    private final long[] fired;
    private final long[] texts;
    private final double[] sumX;
    private final double[] sumError;
    private long tokens;
    private double errorSquares;
    private double squares;
    private double outSquares;
    private double products;
    private double cosines;
    private double lengthRatios;
    private double lengthsIn;
    private double lengthsOut;
    private double relativeErrors;
    private double legacy;
    private double l1;
    private long active;

    private ReconstructionStatistics(int d, int latents, double[] mean, boolean knowsMean) {
        this.d = d;
        this.mean = mean;
        this.knowsMean = knowsMean;
        fired = new long[latents];
        texts = new long[latents];
        sumX = new double[d];
        sumError = new double[d];
    }

    /**
     * Nothing yet, of activations whose mean is not known before: without {@code explained_variance_legacy}.
     *
     * @throws BadInputException if no decoder has these sizes
     */
    public static ReconstructionStatistics of(int d, int latents) {
        requireSizes(d, latents);
        return new ReconstructionStatistics(d, latents, new double[d], false);
    }

    /**
     * Nothing yet, of activations whose mean over all tokens is known.
     *
     * @throws BadInputException if no decoder has these sizes
     * @throws BadShapeException if the mean is of another width
     */
    public static ReconstructionStatistics of(int d, int latents, double[] mean) {
        if (mean.length != d) {
            throw new BadShapeException("the mean", "[" + d + "]", "[" + mean.length + "]");
        }
        requireSizes(d, latents);
        return new ReconstructionStatistics(d, latents, mean.clone(), true);
    }

    private static void requireSizes(int d, int latents) {
        if (d < 1 || latents < 1 || (long) d * latents > Integer.MAX_VALUE) {
            throw new BadInputException("reconstructions are of a decoder of from 1 to " + Integer.MAX_VALUE
                    + " values, found " + latents + " latents of width " + d);
        }
    }

    /**
     * Adds the tokens of one text.
     *
     * @param x activations {@code [tokens, d]}
     * @param out their reconstruction
     * @param excluded tokens that count for nothing
     */
    public void add(float[] x, float[] out, Latents latents, boolean[] excluded) {
        if (x.length != out.length || x.length != excluded.length * d || latents.tokens() != excluded.length) {
            throw new BadShapeException(
                    "activations", excluded.length + " rows of " + d, x.length + " and " + out.length + " values");
        }
        boolean[] seen = new boolean[fired.length];
        for (int t = 0; t < excluded.length; t++) {
            if (excluded[t]) {
                continue;
            }
            token(x, out, t * d);
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1]; e++) {
                int i = latents.indices()[e];
                fired[i]++;
                active++;
                l1 += Math.abs(latents.values()[e]);
                if (!seen[i]) {
                    seen[i] = true;
                    texts[i]++;
                }
            }
        }
    }

    private void token(float[] x, float[] out, int at) {
        double error = 0;
        double in = 0;
        double decoded = 0;
        double product = 0;
        double centred = 0;
        for (int c = 0; c < d; c++) {
            double value = x[at + c];
            double reconstructed = out[at + c];
            double difference = value - reconstructed;
            error += difference * difference;
            in += value * value;
            decoded += reconstructed * reconstructed;
            product += value * reconstructed;
            centred += (value - mean[c]) * (value - mean[c]);
            sumX[c] += value;
            sumError[c] += difference;
        }
        tokens++;
        errorSquares += error;
        squares += in;
        outSquares += decoded;
        products += product;
        double lengths = Math.sqrt(in) * Math.sqrt(decoded);
        cosines += lengths == 0 ? 0 : product / lengths;
        lengthRatios += in == 0 ? 0 : Math.sqrt(decoded / in);
        lengthsIn += Math.sqrt(in);
        lengthsOut += Math.sqrt(decoded);
        relativeErrors += in == 0 ? 0 : error / in;
        legacy += 1 - (centred == 0 ? 0 : error / centred);
    }

    public long tokens() {
        return tokens;
    }

    /** Tokens that fired each latent; not copied. */
    public long[] fired() {
        return fired;
    }

    /** Share of tokens that fired each latent; zero of no tokens. */
    public float[] densities() {
        float[] densities = new float[fired.length];
        for (int i = 0; i < densities.length; i++) {
            densities[i] = tokens == 0 ? 0 : (float) ((double) fired[i] / tokens);
        }
        return densities;
    }

    /** Firings over texts with a firing, of each latent; zero of one that never fires. */
    public float[] consistentActivation() {
        float[] heuristic = new float[fired.length];
        for (int i = 0; i < heuristic.length; i++) {
            heuristic[i] = texts[i] == 0 ? 0 : (float) ((double) fired[i] / texts[i]);
        }
        return heuristic;
    }

    /** All measures by SAEBench's names. */
    public SequencedMap<String, Double> values() {
        SequencedMap<String, Double> values = new LinkedHashMap<>();
        double n = tokens;
        double meanSquares = 0;
        double errorMeans = 0;
        for (int c = 0; c < d; c++) {
            meanSquares += sumX[c] / n * (sumX[c] / n);
            errorMeans += sumError[c] / n * (sumError[c] / n);
        }
        double variance = squares / n - meanSquares;
        values.put("mse", errorSquares / n);
        values.put("explained_variance", 1 - errorSquares / n / variance);
        if (knowsMean) {
            values.put("explained_variance_legacy", legacy / n);
        }
        values.put("frac_variance_explained", 1 - (errorSquares / n - errorMeans) / variance);
        values.put("normalized_mse", relativeErrors / n);
        values.put("cossim", cosines / n);
        values.put("l2_norm_in", lengthsIn / n);
        values.put("l2_norm_out", lengthsOut / n);
        values.put("l2_ratio", lengthRatios / n);
        values.put("relative_reconstruction_bias", products == 0 ? 0 : outSquares / products);
        values.put("l0", active / n);
        values.put("l1", l1 / n);
        shares(values);
        return values;
    }

    private void shares(SequencedMap<String, Double> values) {
        int alive = 0;
        int over1 = 0;
        int over10 = 0;
        double sum = 0;
        double sum1 = 0;
        double sum10 = 0;
        for (long count : fired) {
            double density = (double) count / tokens;
            alive += count > 0 ? 1 : 0;
            sum += density;
            if (density > 0.01) {
                over1++;
                sum1 += density;
            }
            if (density > 0.1) {
                over10++;
                sum10 += density;
            }
        }
        values.put("frac_alive", (double) alive / fired.length);
        values.put("freq_over_1_percent", (double) over1 / fired.length);
        values.put("freq_over_10_percent", (double) over10 / fired.length);
        values.put("normalized_freq_over_1_percent", sum == 0 ? 0 : sum1 / sum);
        values.put("normalized_freq_over_10_percent", sum == 0 ? 0 : sum10 / sum);
    }

    @Override
    public String toString() {
        return Printable.plural(tokens, "token") + ", " + fired.length + " latents";
    }
}
