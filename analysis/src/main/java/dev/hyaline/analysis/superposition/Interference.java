package dev.hyaline.analysis.superposition;

/**
 * How much directions overlap: the cosines between any two different ones, which are the entries off the diagonal of
 * the interference matrix {@code G = D D^T - I} of unit rows.
 *
 * @param features directions that are not zero
 * @param dimensions of the space
 * @param largest the largest absolute cosine, the coherence of the dictionary; 0 of fewer than two
 * @param meanSquare mean of the squared cosines; 0 of fewer than two
 * @param meanLargest mean over features of the largest absolute cosine with another
 * @param histogram ordered pairs by cosine, in {@link #BINS} bins of equal width from -1 to 1; the middle one is around
 *     0
 */
public record Interference(
        int features, int dimensions, double largest, double meanSquare, double meanLargest, long[] histogram) {
    /** Number of bins: odd, so that orthogonal features fall into the middle of one. */
    public static final int BINS = 101;

    /** The bin of a cosine. */
    static int bin(double cosine) {
        return Math.clamp((int) Math.floor((cosine + 1) / 2 * BINS), 0, BINS - 1);
    }

    /** The cosine in the middle of a bin. */
    public static double middle(int bin) {
        return (2.0 * bin + 1) / BINS - 1;
    }

    /** The mean square of random directions, {@code 1 / m}. */
    public double randomMeanSquare() {
        return 1.0 / dimensions;
    }

    /**
     * The least that the mean square can be, {@code (n - m) / (m (n - 1))}, reached by tight frames; 0 where all fit
     * side by side.
     */
    public double leastMeanSquare() {
        return features <= dimensions ? 0 : (features - dimensions) / (dimensions * (features - 1.0));
    }

    /** The least that the largest cosine can be (Welch 1974): the root of {@link #leastMeanSquare}. */
    public double welchBound() {
        return Math.sqrt(leastMeanSquare());
    }

    @Override
    public String toString() {
        return "largest " + largest + ", mean square " + meanSquare + " of " + features + " features in " + dimensions
                + " dimensions";
    }
}
