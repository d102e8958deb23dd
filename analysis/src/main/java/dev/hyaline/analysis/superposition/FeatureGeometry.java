package dev.hyaline.analysis.superposition;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The geometry of directions that share a space: the rows of a dictionary, or the features of a toy model (Elhage et
 * al. 2022). Sums run in double precision in a fixed order, so that the values depend on no thread. Immutable.
 */
public final class FeatureGeometry {
    /** The length from which on a feature counts as represented. */
    public static final double REPRESENTED = 0.5;

    /** Most features of a matrix of all products. */
    public static final int MAX_GRAM = 8192;

    /** Products that are held at a time: their part of the rows stays in the cache. */
    private static final int BLOCK = 256;

    private final double[] rows;
    private final int dimensions;
    private final double[] norms;
    private final double[] squares;
    private final double[] largest;
    private final double[] cosineSquares;
    private final long[] histogram;

    private FeatureGeometry(double[] rows, int dimensions) {
        this.rows = rows;
        this.dimensions = dimensions;
        int n = rows.length / dimensions;
        norms = new double[n];
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int c = i * dimensions; c < (i + 1) * dimensions; c++) {
                sum += rows[c] * rows[c];
            }
            norms[i] = Math.sqrt(sum);
            if (!Double.isFinite(sum)) {
                throw new BadInputException("feature " + i + " has the length " + norms[i]);
            }
        }
        squares = new double[n];
        largest = new double[n];
        cosineSquares = new double[n];
        long[][] counts = new long[n][];
        Columns columns = new Columns(rows, dimensions);
        IntStream.range(0, n).parallel().forEach(i -> counts[i] = measure(columns, i));
        histogram = new long[Interference.BINS];
        for (long[] ofRow : counts) {
            for (int bin = 0; bin < histogram.length; bin++) {
                histogram[bin] += ofRow[bin];
            }
        }
    }

    /**
     * Measures directions.
     *
     * @param rows {@code [features, dimensions]}; copied
     * @throws BadShapeException if they are not whole rows, or there are none
     * @throws BadInputException if a value is not finite
     */
    public static FeatureGeometry of(double[] rows, int dimensions) {
        if (dimensions < 1 || rows.length == 0 || rows.length % dimensions != 0) {
            throw new BadShapeException("features", "rows of " + dimensions + " values", rows.length + " values");
        }
        return new FeatureGeometry(rows.clone(), dimensions);
    }

    /** As {@link #of(double[], int)}. */
    public static FeatureGeometry of(float[] rows, int dimensions) {
        double[] wide = new double[rows.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = rows[i];
        }
        return of(wide, dimensions);
    }

    /** The same directions, each of length 1; those of length 0 stay so. */
    public FeatureGeometry unit() {
        double[] unit = rows.clone();
        for (int i = 0; i < unit.length; i++) {
            double norm = norms[i / dimensions];
            unit[i] = norm == 0 ? 0 : unit[i] / norm;
        }
        return new FeatureGeometry(unit, dimensions);
    }

    /** The rows by columns, so that the products of one row with many others run side by side. */
    private record Columns(double[] values, int dimensions, int features) {
        Columns(double[] rows, int dimensions) {
            this(new double[rows.length], dimensions, rows.length / dimensions);
            for (int i = 0; i < features; i++) {
                for (int c = 0; c < dimensions; c++) {
                    values[c * features + i] = rows[i * dimensions + c];
                }
            }
        }

        /** Products of a row with those of a block. */
        void products(double[] row, int rowAt, int first, int count, double[] out) {
            Arrays.fill(out, 0, count, 0);
            for (int c = 0; c < dimensions; c++) {
                double factor = row[rowAt + c];
                int at = c * features + first;
                for (int j = 0; j < count; j++) {
                    out[j] += factor * values[at + j];
                }
            }
        }
    }

    /** Measures a feature against all, and returns how many of the others have a cosine of each bin. */
    private long[] measure(Columns columns, int i) {
        int n = norms.length;
        long[] counts = new long[Interference.BINS];
        double[] products = new double[BLOCK];
        for (int first = 0; first < n; first += BLOCK) {
            int count = Math.min(BLOCK, n - first);
            columns.products(rows, i * dimensions, first, count, products);
            for (int j = 0; j < count; j++) {
                squares[i] += products[j] * products[j];
                if (first + j == i || norms[i] == 0 || norms[first + j] == 0) {
                    continue;
                }
                double cosine = products[j] / (norms[i] * norms[first + j]);
                largest[i] = Math.max(largest[i], Math.abs(cosine));
                cosineSquares[i] += cosine * cosine;
                counts[Interference.bin(cosine)]++;
            }
        }
        return counts;
    }

    /** Number of features. */
    public int features() {
        return norms.length;
    }

    /** Values of a feature. */
    public int dimensions() {
        return dimensions;
    }

    /** A feature's direction, {@code [dimensions]}; a copy. */
    public double[] row(int feature) {
        BadInputException.requireIndex("feature", feature, norms.length);
        return Arrays.copyOfRange(rows, feature * dimensions, (feature + 1) * dimensions);
    }

    /** Length of each feature; a copy. */
    public double[] norms() {
        return norms.clone();
    }

    /**
     * The feature dimensionality {@code D_i = |W_i|^4 / sum_j (W_i . W_j)^2}: the share of a dimension that a feature
     * has for itself. They sum to at most the rank of all. A feature of length 0 has 0.
     */
    public double[] dimensionalities() {
        double[] found = new double[norms.length];
        for (int i = 0; i < found.length; i++) {
            double square = norms[i] * norms[i];
            found[i] = squares[i] == 0 ? 0 : square * square / squares[i];
        }
        return found;
    }

    /** Number of features longer than {@link #REPRESENTED}. */
    public int represented() {
        return (int) Arrays.stream(norms).filter(norm -> norm > REPRESENTED).count();
    }

    /** Features a dimension, {@code |W|_F^2 / m}; its inverse is Elhage's dimensions per feature. */
    public double featuresPerDimension() {
        return Arrays.stream(norms).map(norm -> norm * norm).sum() / dimensions;
    }

    /** The frame potential {@code sum_ij (W_i . W_j)^2} (Benedetto and Fickus 2003). */
    public double framePotential() {
        return Arrays.stream(squares).sum();
    }

    /**
     * The least frame potential that features of these lengths can have, {@code (sum_i |W_i|^2)^2 / m} or, with fewer
     * features than dimensions, {@code sum_i |W_i|^4}; a tight frame reaches the first. The true least is larger where
     * some lengths are far above others.
     */
    public double leastFramePotential() {
        double total = 0;
        double fourth = 0;
        for (double norm : norms) {
            total += norm * norm;
            fourth += norm * norm * norm * norm;
        }
        return Math.max(fourth, total * total / dimensions);
    }

    /** Cosines between different features, those of length 0 left out. */
    public Interference interference() {
        int present = (int) Arrays.stream(norms).filter(norm -> norm > 0).count();
        double pairs = (double) present * (present - 1);
        double sum = Arrays.stream(cosineSquares).sum();
        return new Interference(
                present,
                dimensions,
                Arrays.stream(largest).max().orElse(0),
                present < 2 ? 0 : sum / pairs,
                present == 0 ? 0 : Arrays.stream(largest).sum() / present,
                histogram.clone());
    }

    /** The largest absolute cosine of each feature with another; 0 for one of length 0. */
    public double[] largestCosines() {
        return largest.clone();
    }

    /**
     * The matrix {@code W W^T}, {@code [features, features]}. Of a dictionary of unit rows, that less the identity is
     * the interference matrix.
     *
     * @throws BadInputException if there are more than {@value #MAX_GRAM} features
     */
    public double[] gram() {
        int n = norms.length;
        if (n > MAX_GRAM) {
            throw new BadInputException("a matrix of all products is of at most " + MAX_GRAM + " features, found " + n);
        }
        double[] gram = new double[n * n];
        Columns columns = new Columns(rows, dimensions);
        IntStream.range(0, n).parallel().forEach(i -> {
            double[] products = new double[BLOCK];
            for (int first = 0; first < n; first += BLOCK) {
                int count = Math.min(BLOCK, n - first);
                columns.products(rows, i * dimensions, first, count, products);
                System.arraycopy(products, 0, gram, i * n + first, count);
            }
        });
        return gram;
    }

    /**
     * Interference onto each feature, weighted by how active the others are: {@code sum_j cos_ij^2 E f_j^2 / E f_i^2}
     * over all others, the power of what they add along the feature, in units of its own. NaN for a feature that is
     * never active or has length 0.
     *
     * @param secondMoments {@code E f_i^2} in units of unit rows, {@code [features]}
     * @throws BadShapeException if there are more or fewer moments than features
     * @throws BadInputException if a moment is below 0 or not finite
     */
    public double[] weightedInterference(double[] secondMoments) {
        int n = norms.length;
        if (secondMoments.length != n) {
            throw new BadShapeException("second moments", n + ", one a feature", secondMoments.length + " values");
        }
        for (double moment : secondMoments) {
            if (!(moment >= 0 && moment < Double.POSITIVE_INFINITY)) {
                throw new BadInputException("a second moment is a finite number of at least 0, found " + moment);
            }
        }
        Columns columns = new Columns(rows, dimensions);
        double[] weighted = new double[n];
        IntStream.range(0, n).parallel().forEach(i -> {
            double[] products = new double[BLOCK];
            double sum = 0;
            for (int first = 0; first < n; first += BLOCK) {
                int count = Math.min(BLOCK, n - first);
                columns.products(rows, i * dimensions, first, count, products);
                for (int j = 0; j < count; j++) {
                    double norm = norms[first + j];
                    if (first + j != i && norm > 0) {
                        double along = products[j] / norm;
                        sum += along * along * secondMoments[first + j];
                    }
                }
            }
            boolean silent = norms[i] == 0 || secondMoments[i] == 0;
            weighted[i] = silent ? Double.NaN : sum / (norms[i] * norms[i]) / secondMoments[i];
        });
        return weighted;
    }

    @Override
    public String toString() {
        return norms.length + " features in " + dimensions + " dimensions";
    }
}
