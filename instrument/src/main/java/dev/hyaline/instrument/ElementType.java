package dev.hyaline.instrument;

import java.util.Locale;

/** The type of a tensor's values in a file, little-endian. */
public enum ElementType {
    F32(4),
    /** IEEE half precision; rounds to nearest, ties to even, and to infinity beyond 65504. */
    F16(2),
    /** The upper half of a float32; rounds to nearest, ties to even. */
    BF16(2),
    I64(8);

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes a value. */
    public int bytes() {
        return bytes;
    }

    /** Its name in lower case, such as {@code bf16}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
