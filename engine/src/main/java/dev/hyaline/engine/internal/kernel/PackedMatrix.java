package dev.hyaline.engine.internal.kernel;

import java.util.Arrays;

/**
 * A matrix {@code [k, n]} and its bias {@code [n]} laid out for {@link Kernels#product}: panels of {@link #PANEL} columns, each {@code [k][PANEL]}, the
 * last one padded with zeros. A kernel reads a panel front to back, whatever the number of rows it multiplies.
 *
 * @param data holds the panels
 * @param offset index of the first panel's first value
 * @param panelStride distance between panels; larger than {@code k * PANEL} in a view of some rows
 * @param bias padded with zeros to whole panels; all zeros for a product without bias
 */
public record PackedMatrix(float[] data, int offset, int panelStride, int k, int n, float[] bias) {
    /** Columns a panel: two of the widest vectors. The layout does not depend on the machine. */
    public static final int PANEL = 32;

    /** A matrix of zeros, to be filled. */
    public static PackedMatrix zeros(int k, int n) {
        int panels = panels(n);
        return new PackedMatrix(new float[panels * k * PANEL], 0, k * PANEL, k, n, new float[panels * PANEL]);
    }

    /** Bytes of a packed {@code [k, n]}, bias included. */
    public static long bytes(int k, int n) {
        return 4L * panels(n) * PANEL * (k + 1);
    }

    public int panels() {
        return panels(n);
    }

    /** Columns of a panel that are not padding. */
    public int columns(int panel) {
        return columns(panel, panel + 1);
    }

    /** Columns of panels {@code first} to {@code end} that are not padding. */
    public int columns(int first, int end) {
        return Math.min(end * PANEL, n) - first * PANEL;
    }

    /** Index of a panel's first value. */
    public int at(int panel) {
        return offset + panel * panelStride;
    }

    public float get(int row, int column) {
        return data[at(column / PANEL) + row * PANEL + column % PANEL];
    }

    /** Stores part of a row from a row-major source. */
    public void setRow(int row, float[] source, int from) {
        for (int panel = 0; panel < panels(); panel++) {
            System.arraycopy(source, from + panel * PANEL, data, at(panel) + row * PANEL, columns(panel));
        }
    }

    /** Stores a column, whose values lie end to end in the source. */
    public void setColumn(int column, float[] source, int from) {
        int to = at(column / PANEL) + column % PANEL;
        for (int row = 0; row < k; row++) {
            data[to + row * PANEL] = source[from + row];
        }
    }

    /** Stores some neighbouring columns, each one's values end to end in the source; panel by panel, so that writes stay close together. */
    public void setColumns(int first, int count, float[] source) {
        for (int column = first; column < first + count; column++) {
            setColumn(column, source, (column - first) * k);
        }
    }

    /** Copies a row out. */
    public void row(int row, float[] out, int outAt) {
        for (int panel = 0; panel < panels(); panel++) {
            System.arraycopy(data, at(panel) + row * PANEL, out, outAt + panel * PANEL, columns(panel));
        }
    }

    /** Copies a column out, its values end to end. */
    public void column(int column, float[] out, int outAt) {
        int from = at(column / PANEL) + column % PANEL;
        for (int row = 0; row < k; row++) {
            out[outAt + row] = data[from + row * PANEL];
        }
    }

    /** A view of rows {@code first} to {@code end}, without bias. */
    public PackedMatrix rows(int first, int end) {
        return new PackedMatrix(data, offset + first * PANEL, panelStride, end - first, n, new float[bias.length]);
    }

    /** A view of the columns of panels {@code first} to {@code end}. */
    public PackedMatrix panels(int first, int end) {
        return new PackedMatrix(
                data,
                at(first),
                panelStride,
                k,
                columns(first, end),
                Arrays.copyOfRange(bias, first * PANEL, end * PANEL));
    }

    /** A copy of some columns, in the order given. */
    public PackedMatrix columns(int[] chosen) {
        PackedMatrix copy = zeros(k, chosen.length);
        float[] values = new float[k];
        for (int i = 0; i < chosen.length; i++) {
            column(chosen[i], values, 0);
            copy.setColumn(i, values, 0);
            copy.bias[i] = bias[chosen[i]];
        }
        return copy;
    }

    private static int panels(int n) {
        return (n + PANEL - 1) / PANEL;
    }
}
