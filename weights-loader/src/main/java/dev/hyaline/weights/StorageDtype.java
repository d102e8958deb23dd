package dev.hyaline.weights;

/** How a checkpoint stores its parameters; they are widened to float as they are read, which is exact. */
public enum StorageDtype {
    /** IEEE 754 single precision. */
    F32,
    /** IEEE 754 half precision. */
    F16,
    /** The upper half of a single. */
    BF16;

    /** Bytes a parameter takes in the file. */
    public int bytes() {
        return this == F32 ? Float.BYTES : Short.BYTES;
    }
}
