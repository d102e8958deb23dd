package dev.hyaline.weights.internal;

import dev.hyaline.files.Dtype;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Conversion of stored parameters to floats: plain ones, and those in ggml's blocks. */
public final class Widening {

    private static final Map<Dtype, StorageDtype> STORAGE = Arrays.stream(StorageDtype.values())
            .collect(Collectors.toUnmodifiableMap(storage -> Dtype.valueOf(storage.name()), storage -> storage));

    private Widening() {}

    /** The storage type of parameters for a file's type; empty if parameters cannot have it. */
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
            case F32, F16, BF16 -> FloatCodec.get(from, dtype.bytes() * first, dtype, out, offset, count);
            default -> copyBlocks(storage(dtype).orElseThrow(), from, first, count, out, offset);
        }
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
