package dev.hyaline.files;

import java.util.Arrays;
import java.util.Optional;

/** The element types of files: those of safetensors, under their names there, and ggml's blocks. */
public enum Dtype {
    BOOL(8),
    F4(4),
    F6_E2M3(6),
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    F8_E8M0(8),
    F8_E4M3FNUZ(8),
    F8_E5M2FNUZ(8),
    I16(16),
    U16(16),
    F16(16),
    BF16(16),
    I32(32),
    U32(32),
    F32(32),
    C64(64),
    F64(64),
    I64(64),
    U64(64),
    Q8_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q6_K;

    private final int bits;

    Dtype(int bits) {
        this.bits = bits;
    }

    /** A type whose values are kept in blocks. */
    Dtype() {
        this(0);
    }

    /** The bits of an element; 0 if only blocks of elements take whole bits. */
    public int bits() {
        return bits;
    }

    /** The bytes of an element, if it takes whole bytes. */
    public int bytes() {
        return bits / Byte.SIZE;
    }

    /** The type of that name in a safetensors header. */
    static Optional<Dtype> of(String name) {
        return Arrays.stream(values())
                .filter(dtype -> dtype.bits > 0 && dtype.name().equals(name))
                .findFirst();
    }
}
