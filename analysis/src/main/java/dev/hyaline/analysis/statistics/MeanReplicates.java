package dev.hyaline.analysis.statistics;

import dev.hyaline.instrument.CounterRandom;

/**
 * Bootstrap replicates of a mean over units, each with its t value. Residuals about the mean are drawn, so that the
 * sums of squares lose no digits to a mean that is large against the spread.
 *
 * @param residuals sums of the units, about the mean
 * @param sizes prompts of the units
 * @param means the mean of each replicate
 * @param ratios the t value of each replicate
 */
record MeanReplicates(double[] residuals, double[] sizes, double mean, double[] means, double[] ratios) {
    static MeanReplicates draw(double[] residuals, double[] sizes, double mean, int count, CounterRandom random) {
        MeanReplicates drawn = new MeanReplicates(residuals, sizes, mean, new double[count], new double[count]);
        double size = evenSize(sizes);
        // A replicate is a method of its own so that it is compiled before the first cell of a table is done.
        for (int b = 0; b < count; b++) {
            if (size > 0) {
                drawn.replicate(size, random.with(b), b);
            } else {
                drawn.replicate(random.with(b), b);
            }
        }
        return drawn;
    }

    /**
     * The size of every unit if it is the same power of two, else 0. The sums over a resample that are of sizes alone
     * are then known, and products with them have the digits of what they multiply.
     */
    private static double evenSize(double[] sizes) {
        double size = sizes[0];
        for (double other : sizes) {
            if (other != size) {
                return 0;
            }
        }
        return Long.bitCount((long) size) == 1 ? size : 0;
    }

    /** One replicate of units of one size; the same bits as of any sizes. */
    private void replicate(double each, CounterRandom draws, int b) {
        int groups = residuals.length;
        double sum = 0;
        double squares = 0;
        for (int j = 0; j < groups; j++) {
            double residual = residuals[draws.index(j, groups)];
            sum += residual;
            squares += residual * residual;
        }
        finish(draws, b, sum, groups * each, squares, sum * each, groups * each * each);
    }

    private void replicate(CounterRandom draws, int b) {
        int groups = residuals.length;
        double sum = 0;
        double size = 0;
        double squares = 0;
        double products = 0;
        double squaredSizes = 0;
        for (int j = 0; j < groups; j++) {
            int unit = draws.index(j, groups);
            double residual = residuals[unit];
            double weight = sizes[unit];
            sum += residual;
            size += weight;
            squares += residual * residual;
            products += residual * weight;
            squaredSizes += weight * weight;
        }
        finish(draws, b, sum, size, squares, products, squaredSizes);
    }

    private void finish(
            CounterRandom draws, int b, double sum, double size, double squares, double products, double squaredSizes) {
        double shift = sum / size;
        double deviations = squares - 2 * shift * products + shift * shift * squaredSizes;
        if (deviations <= 1e-10 * squares) {
            deviations = exactDeviations(shift, draws);
        }
        double correction = residuals.length / (residuals.length - 1.0);
        means[b] = mean + shift;
        ratios[b] = deviations > 0
                ? shift / (Math.sqrt(correction * deviations) / size)
                : shift == 0 ? 0 : Math.copySign(Double.POSITIVE_INFINITY, shift);
    }

    /** Σ (R - n shift)² of one resample, term by term; 0 if it is only rounding. */
    private double exactDeviations(double shift, CounterRandom draws) {
        double sum = 0;
        double squares = 0;
        for (int j = 0; j < residuals.length; j++) {
            int unit = draws.index(j, residuals.length);
            double deviation = residuals[unit] - sizes[unit] * shift;
            sum += deviation * deviation;
            squares += residuals[unit] * residuals[unit];
        }
        return sum <= 1e-24 * squares ? 0 : sum;
    }
}
