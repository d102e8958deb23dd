package dev.hyaline.engine.internal.kernel;

import java.util.Arrays;

/**
 * A matrix {@code [k, n]} and its bias {@code [n]} laid out for {@link Kernels#product}: panels of {@link #PANEL}
 * columns, each {@code [k][PANEL]}, the last one padded with zeros. A kernel reads a panel front to back, whatever the
 * number of rows it multiplies.
 *
 * @param values the panels, each value at an index that counts floats
 * @param offset index of the first panel's first value
 * @param panelStride distance between panels; larger than {@code k * PANEL} in a view of some rows
 * @param bias padded with zeros to whole panels; all zeros for a product without bias
 */
public record PackedMatrix(Values values, int offset, int panelStride, int k, int n, float[] bias) {
    /** Columns of a panel: two of the widest vectors. The layout does not depend on the machine. */
    public static final int PANEL = 32;
    /** Columns {@code j} and {@code j + HALF} of a panel's row are used together, and share an int as bfloat16. */
    public static final int HALF = PANEL / 2;

    /** How values are kept. */
    public sealed interface Values {
        float get(int index);

        void set(int index, float value);

        /** Stores some neighbouring values of one panel's row, from the index of the first. */
        void setRow(int index, float[] source, int from, int columns);

        /** Copies one panel's row, from the index of its first value. */
        void copyRow(int index, float[] out, int outAt, int columns);
    }

    /** One float a value. */
    public record Float32(float[] array) implements Values {
        @Override
        public float get(int index) {
            return array[index];
        }

        @Override
        public void set(int index, float value) {
            array[index] = value;
        }

        @Override
        public void setRow(int index, float[] source, int from, int columns) {
            System.arraycopy(source, from, array, index, columns);
        }

        @Override
        public void copyRow(int index, float[] out, int outAt, int columns) {
            System.arraycopy(array, index, out, outAt, columns);
        }
    }

    /**
     * The upper halves of two floats an int: column {@code j} of a panel's row in the lower bits, column {@code j +
     * HALF} in the upper.
     */
    public record Bfloat16(int[] pairs) implements Values {
        @Override
        public float get(int index) {
            int pair = pairs[pair(index)];
            return Float.intBitsToFloat(isUpper(index) ? pair & 0xFFFF0000 : pair << 16);
        }

        /** Stores a value that has no bits below a bfloat16's. */
        @Override
        public void set(int index, float value) {
            int bits = Float.floatToRawIntBits(value);
            int at = pair(index);
            pairs[at] = isUpper(index) ? (pairs[at] & 0xFFFF) | bits : (pairs[at] & 0xFFFF0000) | (bits >>> 16);
        }

        @Override
        public void setRow(int index, float[] source, int from, int columns) {
            for (int j = 0; j < columns; j++) {
                set(index + j, source[from + j]);
            }
        }

        @Override
        public void copyRow(int index, float[] out, int outAt, int columns) {
            for (int j = 0; j < columns; j++) {
                out[outAt + j] = get(index + j);
            }
        }

        private static int pair(int index) {
            return index / PANEL * HALF + index % HALF;
        }

        private static boolean isUpper(int index) {
            return index % PANEL >= HALF;
        }
    }

    /** A matrix of zeros, to be filled. */
    public static PackedMatrix zeros(int k, int n, boolean bfloat16) {
        int panels = panels(n);
        int size = panels * k * PANEL;
        Values values = bfloat16 ? new Bfloat16(new int[size / 2]) : new Float32(new float[size]);
        return new PackedMatrix(values, 0, k * PANEL, k, n, new float[panels * PANEL]);
    }

    /** Bytes of a packed {@code [k, n]}, without its bias. */
    public static long bytes(int k, int n, boolean bfloat16) {
        return (long) panels(n) * PANEL * k * (bfloat16 ? Short.BYTES : Float.BYTES);
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

    /** Index of the first value of a panel's row. */
    public int at(int panel, int row) {
        return offset + panel * panelStride + row * PANEL;
    }

    public float get(int row, int column) {
        return values.get(at(column / PANEL, row) + column % PANEL);
    }

    /** Stores a row from a row-major source. */
    public void setRow(int row, float[] source, int from) {
        for (int panel = 0; panel < panels(); panel++) {
            values.setRow(at(panel, row), source, from + panel * PANEL, columns(panel));
        }
    }

    /** Stores some neighbouring columns, each one's values end to end in the source. */
    public void setColumns(int first, int count, float[] source) {
        float[] ofRow = new float[PANEL];
        for (int column = first; column < first + count; ) {
            int together = Math.min(PANEL - column % PANEL, first + count - column);
            int from = (column - first) * k;
            int to = at(column / PANEL, 0) + column % PANEL;
            for (int row = 0; row < k; row++) {
                for (int i = 0; i < together; i++) {
                    ofRow[i] = source[from + i * k + row];
                }
                values.setRow(to + row * PANEL, ofRow, 0, together);
            }
            column += together;
        }
    }

    /** Copies a row out. */
    public void row(int row, float[] out, int outAt) {
        for (int panel = 0; panel < panels(); panel++) {
            values.copyRow(at(panel, row), out, outAt + panel * PANEL, columns(panel));
        }
    }

    /** Copies a column out, its values end to end. */
    public void column(int column, float[] out, int outAt) {
        int from = at(column / PANEL, 0) + column % PANEL;
        for (int row = 0; row < k; row++) {
            out[outAt + row] = values.get(from + row * PANEL);
        }
    }

    /** A view of rows {@code first} to {@code end}, without bias. */
    public PackedMatrix rows(int first, int end) {
        return new PackedMatrix(values, offset + first * PANEL, panelStride, end - first, n, new float[bias.length]);
    }

    /** A view of the columns of panels {@code first} to {@code end}. */
    public PackedMatrix panels(int first, int end) {
        float[] biases = Arrays.copyOfRange(bias, first * PANEL, end * PANEL);
        return new PackedMatrix(values, at(first, 0), panelStride, k, columns(first, end), biases);
    }

    /** Returns whether this is a whole matrix of that shape, its values kept so. */
    boolean isLaidOutAs(int rows, int columns, boolean bfloat16) {
        return k == rows
                && n == columns
                && offset == 0
                && panelStride == k * PANEL
                && values instanceof Bfloat16 == bfloat16;
    }

    /** A matrix, without bias, with room for this one's transpose and values kept as here. */
    public PackedMatrix roomForTranspose(SpareMatrices spare) {
        return spare.take(n, k, values instanceof Bfloat16);
    }

    /** Fills one panel of the transpose: some neighbouring rows of this matrix become its columns. */
    public void transposeInto(PackedMatrix transposed, int panel) {
        int firstRow = panel * PANEL;
        int rows = transposed.columns(panel);
        float[] tile = new float[PANEL * PANEL];
        float[] row = new float[PANEL];
        for (int p = 0; p < panels(); p++) {
            int columns = columns(p);
            for (int i = 0; i < rows; i++) {
                values.copyRow(at(p, firstRow + i), tile, i * PANEL, columns);
            }
            for (int j = 0; j < columns; j++) {
                for (int i = 0; i < rows; i++) {
                    row[i] = tile[i * PANEL + j];
                }
                transposed.values.setRow(transposed.at(panel, p * PANEL + j), row, 0, rows);
            }
        }
    }

    /** A copy of some columns, in the order given. */
    public PackedMatrix columns(int[] chosen) {
        PackedMatrix copy = zeros(k, chosen.length, values instanceof Bfloat16);
        float[] column = new float[k];
        for (int i = 0; i < chosen.length; i++) {
            column(chosen[i], column, 0);
            copy.setColumns(i, 1, column);
            copy.bias[i] = bias[chosen[i]];
        }
        return copy;
    }

    private static int panels(int n) {
        return (n + PANEL - 1) / PANEL;
    }
}
