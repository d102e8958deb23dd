package dev.hyaline.analysis;

/**
 * Running mean, spread and largest magnitude of values, in double precision. Minus infinity, which masks attention
 * scores, and other values that are not finite are counted and left out. Not thread-safe.
 *
 * <p>Each piece's mean and squares about it are joined to those before by Chan, Golub and LeVeque's update (1979),
 * which does not lose digits when the mean is large against the spread.
 */
public final class SummaryStatistics {
    private long count;
    private long masked;
    private long notFinite;
    private double mean;
    private double squares;
    private double largestMagnitude;

    /** Of no values yet. */
    public SummaryStatistics() {}

    /** Adds {@code length} values from {@code offset}. */
    public void add(float[] values, int offset, int length) {
        long finite = 0;
        double sum = 0;
        for (int i = offset; i < offset + length; i++) {
            float value = values[i];
            if (Float.isFinite(value)) {
                finite++;
                sum += value;
                largestMagnitude = Math.max(largestMagnitude, Math.abs(value));
            } else if (value == Float.NEGATIVE_INFINITY) {
                masked++;
            } else {
                notFinite++;
            }
        }
        if (finite == 0) {
            return;
        }
        double pieceMean = sum / finite;
        double pieceSquares = 0;
        for (int i = offset; i < offset + length; i++) {
            if (Float.isFinite(values[i])) {
                double deviation = values[i] - pieceMean;
                pieceSquares += deviation * deviation;
            }
        }
        long total = count + finite;
        double shift = pieceMean - mean;
        mean += shift * finite / total;
        squares += pieceSquares + shift * shift * ((double) count * finite / total);
        count = total;
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
}
