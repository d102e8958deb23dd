package dev.hyaline.files;

import java.util.Arrays;
import java.util.Optional;

/** Every element type that files know: those of safetensors, under the names they have there, and ggml's blocks. */
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

    /** Kept in blocks. */
    Dtype() {
        this(0);
    }

    /** Bits an element takes; 0 where only blocks of them take whole bits. */
    public int bits() {
        return bits;
    }

    /** Bytes that an element takes, if it takes whole ones. */
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
