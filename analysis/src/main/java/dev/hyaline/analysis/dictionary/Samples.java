package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;

/** Rows of features, read in double. */
record Samples(int count, RowCopy rows) {
    /** Copies a sample. */
    void copy(int sample, double[] into, int at) {
        rows.copy(sample, into, at);
    }

    /**
     * Rows {@code [samples, d]}.
     *
     * @throws BadShapeException if they are not whole rows
     * @throws BadInputException if a value is not finite
     */
    static Samples of(float[] rows, int d) {
        return finite(rows.length, d, (sample, into, at) -> {
            for (int i = 0; i < d; i++) {
                into[at + i] = rows[sample * d + i];
            }
        });
    }

    /** As {@link #of(float[], int)}. */
    static Samples of(double[] rows, int d) {
        return finite(rows.length, d, (sample, into, at) -> System.arraycopy(rows, sample * d, into, at, d));
    }

    private static Samples finite(int values, int d, RowCopy rows) {
        requireRows("samples", values, d);
        Samples samples = new Samples(values / d, rows);
        double[] row = new double[d];
        for (int sample = 0; sample < samples.count(); sample++) {
            samples.copy(sample, row, 0);
            for (int i = 0; i < d; i++) {
                if (!Double.isFinite(row[i])) {
                    throw notFinite("sample", sample, i, row[i]);
                }
            }
        }
        return samples;
    }

    /** Some of these in another order. */
    Samples chosen(int[] order) {
        return new Samples(order.length, (sample, into, at) -> copy(order[sample], into, at));
    }

    static void requireRows(String what, int values, int d) {
        if (d < 1 || values % d != 0) {
            throw new BadShapeException(what, "rows of " + d + " values", values + " values");
        }
    }

    static BadInputException notFinite(String what, int row, int column, double value) {
        return new BadInputException(
                what + " " + row + ": expected finite numbers, found " + value + " as feature " + column);
    }

    /** The way that a sample is copied from where it lies. */
    @FunctionalInterface
    interface RowCopy {
        void copy(int sample, double[] into, int at);
    }
}
