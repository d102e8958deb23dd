package dev.hyaline.instrument.internal;

import java.util.List;

/** Passes chosen rows and columns of a matrix on, values that lie side by side together. */
public final class ChosenValues {
    private ChosenValues() {}

    /** Takes values as they come. */
    @FunctionalInterface
    public interface Sink<E extends Exception> {
        void take(float[] values, int offset, int length) throws E;
    }

    /**
     * Passes rows on, in their order.
     *
     * @param values hold the matrix, row-major
     * @param offset of the matrix's first value
     * @param width of a row
     * @param rows ascending
     * @param columns the chosen ones; none for all
     */
    public static <E extends Exception> void pass(
            float[] values, int offset, int width, int[] rows, List<ColumnRange> columns, Sink<E> sink) throws E {
        for (int i = 0; i < rows.length; ) {
            int next = i + 1;
            while (next < rows.length && rows[next] == rows[next - 1] + 1) {
                next++;
            }
            int from = offset + rows[i] * width;
            int length = (next - i) * width;
            if (columns.isEmpty()) {
                sink.take(values, from, length);
            } else {
                for (int row = from; row < from + length; row += width) {
                    for (ColumnRange range : columns) {
                        sink.take(values, row + range.first(), range.count());
                    }
                }
            }
            i = next;
        }
    }
}
