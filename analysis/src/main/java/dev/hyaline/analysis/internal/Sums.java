package dev.hyaline.analysis.internal;

/** When two sums count as equal: within 1e-12 of the sum of the absolute terms, which covers their rounding. */
public final class Sums {
    private static final double TOLERANCE = 1e-12;

    private Sums() {}

    /** By how much two sums of these terms may differ and still be equal. */
    public static double tolerance(double[] terms) {
        double absolute = 0;
        for (double term : terms) {
            absolute += Math.abs(term);
        }
        return TOLERANCE * absolute;
    }

    /** The sum from the first term to the last. */
    public static double of(double[] terms) {
        double sum = 0;
        for (double term : terms) {
            sum += term;
        }
        return sum;
    }

    /** Mean of at least one value. */
    public static double mean(double[] values) {
        return of(values) / values.length;
    }

    /** Sum of the squared deviations from the mean. */
    public static double squaredDeviations(double[] values) {
        double mean = mean(values);
        double sum = 0;
        for (double value : values) {
            sum += (value - mean) * (value - mean);
        }
        return sum;
    }

    /** The variance with n - 1; NaN of one value. */
    public static double variance(double[] values) {
        return squaredDeviations(values) / (values.length - 1);
    }

    /** Returns whether no value differs from the mean by more than rounding. */
    public static boolean constant(double[] values) {
        double mean = mean(values);
        double absolute = 0;
        double largest = 0;
        for (double value : values) {
            absolute = Math.max(absolute, Math.abs(value));
            largest = Math.max(largest, Math.abs(value - mean));
        }
        return largest <= TOLERANCE * absolute;
    }
}
