package dev.hyaline.analysis.statistics;

/**
 * The p values of a test.
 *
 * @param greater against the alternative that the quantity lies above the null value
 * @param less against the alternative that it lies below
 */
public record PValues(double twoSided, double greater, double less) {

    /** The two-sided p is twice the smaller tail, at most 1. */
    public static PValues ofTails(double greater, double less) {
        return new PValues(Math.min(1, 2 * Math.min(greater, less)), greater, less);
    }
}
