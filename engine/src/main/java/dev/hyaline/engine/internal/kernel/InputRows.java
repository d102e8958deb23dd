package dev.hyaline.engine.internal.kernel;

/**
 * The left operand of a product: rows {@code [rows, k]} as they lie in memory and, for kernels that want it, a copy of
 * them in which the rows of a group are interleaved. Reused from product to product.
 */
public final class InputRows {
    private static final float[] NOTHING = {};

    private float[] values = NOTHING;
    private int at;
    private int stride;
    private int k;
    private int rows;
    private int group = 1;
    private float[] interleaved = {};

    /**
     * Rows that lie {@code stride} apart, the first one's {@code k} values from {@code at}.
     *
     * @param group {@link Kernels#rowsTogether}, asked for this product; what remains of a batch is read as it lies
     */
    public void set(float[] values, int at, int stride, int k, int rows, int group) {
        this.values = values;
        this.at = at;
        this.stride = stride;
        this.k = k;
        this.rows = rows;
        this.group = group;
    }

    /** Lets go of the rows. */
    public void forget() {
        values = NOTHING;
    }

    public float[] values() {
        return values;
    }

    /** Index of a row's first value. */
    public int at(int row) {
        return at + row * stride;
    }

    public int stride() {
        return stride;
    }

    public int k() {
        return k;
    }

    /** Rows that are interleaved with each other. */
    public int group() {
        return group;
    }

    /** Whole groups of rows; none if rows are read as they lie. */
    public int groups() {
        return group == 1 ? 0 : rows / group;
    }

    /** Room for the interleaved copy. */
    public void reserve() {
        if (interleaved.length < groups() * group * k) {
            interleaved = new float[groups() * group * k];
        }
    }

    /** Chain by chain of a product, group by group, {@code [steps][group]}: what a tile reads is contiguous. */
    public float[] interleaved() {
        return interleaved;
    }

    /** Index of a group's first value of the chain that begins at {@code block} and has {@code steps}. */
    public int interleavedAt(int block, int steps, int index) {
        return (block * groups() + index * steps) * group;
    }
}
