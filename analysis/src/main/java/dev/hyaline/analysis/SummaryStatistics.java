package dev.hyaline.analysis;

import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Printable;

/**
 * Running mean, spread and largest magnitude of values, in double precision. Minus infinity, which masks attention
 * scores, and other values that are not finite are counted and left out. Not thread-safe.
 *
 * <p>Each piece is summed about a value of its own kind, the mean so far, and joined to those before by Chan, Golub and
 * LeVeque's update (1979), so that no digits are lost when the mean is large against the spread.
 */
public final class SummaryStatistics {
    private long count;
    private long masked;
    private long notFinite;
    private double mean;
    private double squares;
    private float largestMagnitude;

    /** Of no values yet. */
    public SummaryStatistics() {}

    /**
     * Adds {@code length} values from {@code offset}.
     *
     * @throws BadShapeException if the array has fewer
     */
    public void add(float[] values, int offset, int length) {
        if (offset < 0 || length < 0 || offset > values.length - length) {
            throw new BadShapeException("values", length + " from index " + offset, "an array of " + values.length);
        }
        double centre = count > 0 ? mean : firstFinite(values, offset, length);
        double sum = 0;
        double sumOfSquares = 0;
        float largest = 0;
        for (int i = offset; i < offset + length; i++) {
            double deviation = values[i] - centre;
            sum += deviation;
            sumOfSquares += deviation * deviation;
            largest = Math.max(largest, Math.abs(values[i]));
        }
        if (Double.isFinite(sumOfSquares)) {
            join(length, centre, sum, sumOfSquares, largest);
        } else {
            // One value that is not finite spoils the sums; few pieces hold one, so the loop above does not look.
            addFinite(values, offset, length, centre);
        }
    }

    private static float firstFinite(float[] values, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (Float.isFinite(values[i])) {
                return values[i];
            }
        }
        return 0;
    }

    private void addFinite(float[] values, int offset, int length, double centre) {
        long finite = 0;
        double sum = 0;
        double sumOfSquares = 0;
        float largest = 0;
        for (int i = offset; i < offset + length; i++) {
            float value = values[i];
            if (Float.isFinite(value)) {
                finite++;
                double deviation = value - centre;
                sum += deviation;
                sumOfSquares += deviation * deviation;
                largest = Math.max(largest, Math.abs(value));
            } else if (value == Float.NEGATIVE_INFINITY) {
                masked++;
            } else {
                notFinite++;
            }
        }
        join(finite, centre, sum, sumOfSquares, largest);
    }

    /** Joins a piece of which the sums of the deviations from {@code centre} and of their squares are known. */
    private void join(long piece, double centre, double sum, double sumOfSquares, float largest) {
        if (piece == 0) {
            return;
        }
        double pieceMean = centre + sum / piece;
        double pieceSquares = Math.max(0, sumOfSquares - sum * (sum / piece));
        long total = count + piece;
        double shift = pieceMean - mean;
        squares += pieceSquares + shift * shift * ((double) count * piece / total);
        mean += shift * piece / total;
        count = total;
        largestMagnitude = Math.max(largestMagnitude, largest);
    }

    /** Finite values: those the figures are about. */
    public long count() {
        return count;
    }

    /** Values of minus infinity, which are left out. */
    public long masked() {
        return masked;
    }

    /** Values that are NaN or plus infinity, which are left out. */
    public long notFinite() {
        return notFinite;
    }

    /** Mean of the finite values; NaN if there is none. */
    public double mean() {
        return count == 0 ? Double.NaN : mean;
    }

    /** Square root of the mean squared deviation (divided by n, as NumPy does); NaN if there is no finite value. */
    public double standardDeviation() {
        return count == 0 ? Double.NaN : Math.sqrt(squares / count);
    }

    /** Largest absolute value; NaN if there is no finite value. */
    public double largestMagnitude() {
        return count == 0 ? Double.NaN : largestMagnitude;
    }

    @Override
    public String toString() {
        return Printable.plural(count, "value") + ", mean " + (float) mean + ", masked " + masked + ", not finite "
                + notFinite;
    }
}
