package dev.hyaline.weights;

/** The type of stored parameters, which are widened to float as they are read. */
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

    /**
     * Returns whether values are kept in blocks of integers that share a scale, and so differ from the trained ones.
     */
    public boolean isQuantized() {
        return blockValues > 1;
    }

    /** The values per block; 1 if the type has no blocks. */
    public int blockValues() {
        return blockValues;
    }

    /** The bytes of a block in the file. */
    public int blockBytes() {
        return blockBytes;
    }

    /** The bytes of a number of values in whole blocks. */
    public long bytes(long values) {
        return values / blockValues * blockBytes;
    }
}
