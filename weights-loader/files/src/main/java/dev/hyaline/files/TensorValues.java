package dev.hyaline.files;

import dev.hyaline.engine.error.HyalineException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The values of a safetensors file or of an npz, read on request. Headers are read and checked once. A safetensors file
 * is open only while it is read; an npz as long as this is reachable.
 */
public final class TensorValues {
    private static final Set<Dtype> INTEGERS = EnumSet.of(Dtype.U16, Dtype.I32, Dtype.U32, Dtype.I64);

    private static final int MAX_ARRAY_BYTES = Integer.MAX_VALUE - 8;

    private final Path file;
    private final FileErrors errors;
    private final SafetensorsHeader header;
    private final @Nullable NpzArrays arrays;

    private TensorValues(Path file, FileErrors errors, SafetensorsHeader header, @Nullable NpzArrays arrays) {
        this.file = file;
        this.errors = errors;
        this.header = header;
        this.arrays = arrays;
    }

    /** Reads a file's header. */
    public static TensorValues open(Path file, FileErrors errors) {
        try (FileInput input = FileInput.open(file, errors)) {
            return new TensorValues(file, errors, SafetensorsHeader.read(input), null);
        }
    }

    /** Reads the headers of an npz's arrays. It has no metadata. */
    public static TensorValues openNpz(Path file, FileErrors errors) {
        NpzArrays arrays = NpzArrays.open(file, errors);
        return new TensorValues(file, errors, new SafetensorsHeader(0, arrays.tensors(), Map.of()), arrays);
    }

    /** What the file's metadata says under a key. */
    public Optional<String> metadata(String key) {
        return Optional.ofNullable(header.metadata().get(key));
    }

    /** The names of the tensors. */
    public List<String> names() {
        return List.copyOf(header.tensors().keySet());
    }

    public boolean has(String tensor) {
        return header.tensors().containsKey(tensor);
    }

    public List<Long> shape(String tensor) {
        return stored(tensor).shape();
    }

    /** The number of a tensor's values. */
    public long elements(String tensor) {
        return stored(tensor).bytes() / Math.max(1, stored(tensor).dtype().bytes());
    }

    /** Reads floats from {@code from} on, in the tensor's order. */
    public float[] floats(String name, long from, long count) {
        StoredTensor tensor = stored(name);
        switch (tensor.dtype()) {
            case F64, F32, F16, BF16 -> {}
            default ->
                throw bad(name, "floats: F64, F32, F16 or BF16", tensor.dtype().toString());
        }
        byte[] bytes = bytes(tensor, from, count);
        float[] values = new float[(int) count];
        FloatCodec.get(MemorySegment.ofArray(bytes), 0, tensor.dtype(), values, 0, values.length);
        return values;
    }

    /** Reads the very values of a tensor of F64, from {@code from} on, in the tensor's order. */
    public double[] doubles(String name, long from, long count) {
        StoredTensor tensor = stored(name);
        if (tensor.dtype() != Dtype.F64) {
            throw bad(name, "doubles, F64", tensor.dtype().toString());
        }
        ByteBuffer bytes = ByteBuffer.wrap(bytes(tensor, from, count)).order(ByteOrder.LITTLE_ENDIAN);
        double[] values = new double[(int) count];
        bytes.asDoubleBuffer().get(values);
        return values;
    }

    /** Reads a whole tensor of integers, such as positions and offsets. */
    public int[] integers(String name) {
        long[] longs = counts(name);
        int[] values = new int[longs.length];
        for (int i = 0; i < values.length; i++) {
            if (longs[i] > Integer.MAX_VALUE) {
                throw bad(name, "whole numbers from 0 to " + Integer.MAX_VALUE, String.valueOf(longs[i]));
            }
            values[i] = (int) longs[i];
        }
        return values;
    }

    /** As {@link #integers}, of numbers that may not fit an int. */
    public long[] counts(String name) {
        StoredTensor tensor = stored(name);
        if (!INTEGERS.contains(tensor.dtype())) {
            throw bad(name, "whole numbers, I64", tensor.dtype().toString());
        }
        int size = tensor.dtype().bytes();
        ByteBuffer bytes = ByteBuffer.wrap(bytes(tensor, 0, elements(name))).order(ByteOrder.LITTLE_ENDIAN);
        long[] values = new long[bytes.remaining() / size];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (tensor.dtype()) {
                case U16 -> Short.toUnsignedLong(bytes.getShort());
                case U32 -> Integer.toUnsignedLong(bytes.getInt());
                case I32 -> bytes.getInt();
                default -> bytes.getLong();
            };
            if (values[i] < 0) {
                throw bad(name, "whole numbers from 0 to " + Integer.MAX_VALUE, String.valueOf(values[i]));
            }
        }
        return values;
    }

    private byte[] bytes(StoredTensor tensor, long from, long count) {
        int width = tensor.dtype().bytes();
        long elements = tensor.bytes() / width;
        if (from < 0 || count < 0 || count > MAX_ARRAY_BYTES / width || from > elements - count) {
            throw bad(tensor.name(), "values " + from + " to " + (from + count - 1), elements + " values");
        }
        if (arrays != null) {
            return arrays.read(tensor, from * width, (int) (count * width));
        }
        try (FileInput input = FileInput.open(file, errors)) {
            long begin = header.dataStart() + tensor.begin() + from * width;
            if (begin + count * width > input.size()) {
                throw errors.file(file.toString(), "a file that stays whole while it is used", "one cut short");
            }
            return input.read(begin, (int) (count * width));
        }
    }

    private StoredTensor stored(String name) {
        StoredTensor tensor = header.tensors().get(name);
        if (tensor == null) {
            throw bad(name, "a tensor of that name", "none");
        }
        return tensor;
    }

    private HyalineException bad(String tensor, String expected, String found) {
        return errors.tensor(file.toString(), Printable.plain(tensor), expected, found);
    }
}
