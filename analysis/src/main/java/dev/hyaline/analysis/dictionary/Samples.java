package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;

/** Rows of features, read in double. */
interface Samples {
    int count();

    /** Copies a sample. */
    void copy(int sample, double[] into, int at);

    /**
     * Rows {@code [samples, d]}.
     *
     * @throws BadShapeException if they are not whole rows
     * @throws BadInputException if a value is not finite
     */
    static Samples of(float[] rows, int d) {
        requireRows("samples", rows.length, d);
        for (int i = 0; i < rows.length; i++) {
            if (!Float.isFinite(rows[i])) {
                throw notFinite("sample", i / d, i % d, rows[i]);
            }
        }
        return new Samples() {
            @Override
            public int count() {
                return rows.length / d;
            }

            @Override
            public void copy(int sample, double[] into, int at) {
                for (int i = 0; i < d; i++) {
                    into[at + i] = rows[sample * d + i];
                }
            }
        };
    }

    /** As {@link #of(float[], int)}. */
    static Samples of(double[] rows, int d) {
        requireRows("samples", rows.length, d);
        for (int i = 0; i < rows.length; i++) {
            if (!Double.isFinite(rows[i])) {
                throw notFinite("sample", i / d, i % d, rows[i]);
            }
        }
        return new Samples() {
            @Override
            public int count() {
                return rows.length / d;
            }

            @Override
            public void copy(int sample, double[] into, int at) {
                System.arraycopy(rows, sample * d, into, at, d);
            }
        };
    }

    /** Some of these in another order. */
    default Samples chosen(int[] order) {
        Samples all = this;
        return new Samples() {
            @Override
            public int count() {
                return order.length;
            }

            @Override
            public void copy(int sample, double[] into, int at) {
                all.copy(order[sample], into, at);
            }
        };
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
}
