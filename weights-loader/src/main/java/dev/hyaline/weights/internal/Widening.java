package dev.hyaline.weights.internal;

import dev.hyaline.files.Dtype;
import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Stored parameters to floats. Tensors may begin at any byte, so no access is aligned. */
public final class Widening {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort BITS16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final Map<Dtype, StorageDtype> STORAGE = Arrays.stream(StorageDtype.values())
            .collect(Collectors.toUnmodifiableMap(storage -> Dtype.valueOf(storage.name()), storage -> storage));

    private Widening() {}

    /** A type of files as one that parameters are stored in, if they can be. */
    public static Optional<StorageDtype> storage(Dtype dtype) {
        return Optional.ofNullable(STORAGE.get(dtype));
    }

    /**
     * Copies elements.
     *
     * @param from the bytes of a tensor
     * @param first element to copy
     */
    static void copy(Dtype dtype, MemorySegment from, long first, int count, float[] out, int offset) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(from, F32, Float.BYTES * first, out, offset, count);
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    out[offset + i] = Float.float16ToFloat(from.get(BITS16, Short.BYTES * (first + i)));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    out[offset + i] = Float.intBitsToFloat(from.get(BITS16, Short.BYTES * (first + i)) << 16);
                }
            }
            default -> copyBlocks(storage(dtype).orElseThrow(), from, first, count, out, offset);
        }
    }

    /** One value as its bits are stored, rounded to the nearest, to even between two; only the low bytes count. */
    static int narrow(StorageDtype dtype, float value) {
        return switch (dtype) {
            case F32 -> Float.floatToRawIntBits(value);
            case F16 -> Float.floatToFloat16(value);
            case BF16 -> {
                int bits = Float.floatToRawIntBits(value);
                yield (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16;
            }
            default -> throw new IllegalArgumentException("nothing is stored as " + dtype);
        };
    }

    private static void copyBlocks(
            StorageDtype dtype, MemorySegment from, long first, int count, float[] out, int offset) {
        float[] block = new float[dtype.blockValues()];
        for (int done = 0; done < count; ) {
            long index = (first + done) / block.length;
            int start = (int) ((first + done) % block.length);
            int length = Math.min(block.length - start, count - done);
            GgmlBlocks.decode(dtype, from, index * dtype.blockBytes(), block);
            System.arraycopy(block, start, out, offset + done, length);
            done += length;
        }
    }
}
