package dev.hyaline.weights;

/** How a checkpoint stores its parameters; they are widened to float as they are read. */
public enum StorageDtype {
    /** IEEE 754 single precision. */
    F32(1, 4),
    /** IEEE 754 half precision. */
    F16(1, 2),
    /** The upper half of a single. */
    BF16(1, 2),
    /** ggml's blocks of 32 signed bytes with a half-precision scale. */
    Q8_0(32, 34),
    /** ggml's blocks of 32 four-bit integers from -8 on, with a scale. */
    Q4_0(32, 18),
    /** ggml's blocks of 32 four-bit integers with a scale and a least value. */
    Q4_1(32, 20),
    /** ggml's blocks of 32 five-bit integers from -16 on, with a scale. */
    Q5_0(32, 22),
    /** ggml's blocks of 32 five-bit integers with a scale and a least value. */
    Q5_1(32, 24),
    /** ggml's blocks of 256 six-bit integers from -32 on, with a scale for each 16 and one for all. */
    Q6_K(256, 210);

    private final int blockValues;
    private final int blockBytes;

    StorageDtype(int blockValues, int blockBytes) {
        this.blockValues = blockValues;
        this.blockBytes = blockBytes;
    }

    /** Whether values are kept in blocks of integers that share a scale, and so are not the ones that were trained. */
    public boolean isQuantized() {
        return blockValues > 1;
    }

    /** Values of a block, which is stored as a whole; 1 where each stands alone. */
    public int blockValues() {
        return blockValues;
    }

    /** Bytes that a block takes in the file. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Bytes that whole blocks of so many values take. */
    public long bytes(long values) {
        return values / blockValues * blockBytes;
    }
}
