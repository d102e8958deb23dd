package dev.hyaline.weights.internal;

import dev.hyaline.files.Dtype;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A tensor of a file, addressed by strides, so that a transpose or a slice copies nothing.
 *
 * @param file the file's name in errors
 * @param name of the tensor there
 * @param strides elements from one index to the next, for each dimension; all of them lead to elements of {@code bytes}
 * @param first element
 * @param bytes of the storage that the elements lie in, at any alignment
 */
public record TensorView(
        String file, String name, Dtype dtype, List<Long> shape, List<Long> strides, long first, MemorySegment bytes)
        implements Parameter {
    public TensorView {
        shape = List.copyOf(shape);
        strides = List.copyOf(strides);
    }

    /** A tensor whose elements are in row-major order, without gaps, and take exactly these bytes. */
    public static TensorView dense(String file, String name, Dtype dtype, List<Long> shape, MemorySegment bytes) {
        return new TensorView(file, name, dtype, shape, denseStrides(shape), 0, bytes);
    }

    /** The strides of row-major order; the sizes' product must fit a long. */
    public static List<Long> denseStrides(List<Long> shape) {
        List<Long> strides = new ArrayList<>();
        long stride = 1;
        for (long size : shape.reversed()) {
            strides.addFirst(stride);
            stride *= size;
        }
        return strides;
    }

    /** The transpose: the dimensions in reverse order. */
    public TensorView transposed() {
        return with(shape.reversed(), strides.reversed(), first);
    }

    /** The same elements under another name. */
    public TensorView named(String other) {
        return new TensorView(file, other, dtype, shape, strides, first, bytes);
    }

    /** The elements at one index of the first dimension, without that dimension. */
    public TensorView part(long index) {
        return with(
                shape.subList(1, shape.size()), strides.subList(1, strides.size()), first + index * strides.getFirst());
    }

    /** The first {@code rows} rows. */
    public TensorView firstRows(long rows) {
        List<Long> fewer = new ArrayList<>(shape);
        fewer.set(0, rows);
        return with(fewer, strides, first);
    }

    /** The first two dimensions merged into one, which their strides must allow. */
    public TensorView flattened() {
        if (strides.getFirst() != strides.get(1) * shape.get(1)) {
            throw bad(
                    "its first two dimensions without a gap between them",
                    "strides " + Printable.plain(strides.toString()));
        }
        List<Long> merged = new ArrayList<>(shape.subList(1, shape.size()));
        merged.set(0, shape.getFirst() * shape.get(1));
        return with(merged, strides.subList(1, strides.size()), first);
    }

    private TensorView with(List<Long> newShape, List<Long> newStrides, long newFirst) {
        return new TensorView(file, name, dtype, newShape, newStrides, newFirst, bytes);
    }

    /** The number of elements. */
    public long elements() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    @Override
    public String shown() {
        return dtype + " " + Printable.plain(shape.toString());
    }

    @Override
    public Set<StorageDtype> storage() {
        return Widening.storage(dtype).map(Set::of).orElse(Set.of());
    }

    @Override
    public long storedBytes() {
        return Widening.storage(dtype).orElseThrow().bytes(elements());
    }

    @Override
    public void read(int firstRow, int rows, float[] out, int offset, int stride) {
        int columns = Math.toIntExact(shape.getLast());
        long columnStride = strides.getLast();
        long rowStride = shape.size() == 1 ? columns : strides.getFirst();
        long start = first + firstRow * rowStride;
        if (columnStride == 1 && rowStride == columns && stride == columns) {
            Widening.copy(dtype, bytes, start, Math.multiplyExact(rows, columns), out, offset);
        } else if (columnStride == 1) {
            for (int row = 0; row < rows; row++) {
                Widening.copy(dtype, bytes, start + row * rowStride, columns, out, offset + row * stride);
            }
        } else if (rowStride == 1) {
            readTransposed(start, rows, columns, out, offset, stride);
        } else {
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < columns; column++) {
                    long element = start + row * rowStride + column * columnStride;
                    Widening.copy(dtype, bytes, element, 1, out, offset + row * stride + column);
                }
            }
        }
    }

    /** Reads down the columns, in the order of the storage. */
    private void readTransposed(long start, int rows, int columns, float[] out, int offset, int stride) {
        float[] run = new float[rows];
        for (int column = 0; column < columns; column++) {
            Widening.copy(dtype, bytes, start + column * strides.getLast(), rows, run, 0);
            for (int row = 0; row < rows; row++) {
                out[offset + row * stride + column] = run[row];
            }
        }
    }

    /** Returns whether both are the same memory with the same strides. */
    boolean isSamePlace(TensorView other) {
        return bytes.equals(other.bytes) && first == other.first && strides.equals(other.strides);
    }

    @Override
    public void unload() {
        if (bytes.isMapped()) {
            bytes.unload();
        }
    }
}
