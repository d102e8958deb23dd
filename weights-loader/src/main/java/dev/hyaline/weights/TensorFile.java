package dev.hyaline.weights;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.files.MappedMemory;
import dev.hyaline.files.Printable;
import dev.hyaline.files.SafetensorsFile;
import dev.hyaline.weights.internal.CheckpointErrors;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.WeightFormat;
import dev.hyaline.weights.internal.tensors.NpzFile;
import dev.hyaline.weights.internal.torch.TorchFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of any file, not only of a GPT-2: safetensors, PyTorch's {@code torch.save} or NumPy's npz, recognised by
 * the content. The texts and numbers beside the tensors of a PyTorch file can be read as well; it is read as data, and
 * nothing in it is run. The file stays mapped until it is closed.
 */
public final class TensorFile implements AutoCloseable {
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String label;
    private final Map<String, TensorView> tensors = new LinkedHashMap<>();
    private final Map<String, Object> values;
    private final Arena arena;

    private TensorFile(String label, List<TensorView> views, Map<String, Object> values, Arena arena) {
        this.label = label;
        this.values = values;
        this.arena = arena;
        views.forEach(view -> tensors.put(view.name(), view));
    }

    /**
     * Opens a file.
     *
     * @throws BadCheckpointException if it is none of these formats, or broken
     */
    public static TensorFile open(Path file) {
        Path path = file.toAbsolutePath().normalize();
        if (path.getParent() == null || !Files.isRegularFile(path)) {
            throw CheckpointErrors.INSTANCE.unreadable(file.toString(), new NoSuchFileException(file.toString()));
        }
        Folder folder = new DiskFolder(path.getParent());
        String name = path.getFileName().toString();
        Arena arena = Arena.ofShared();
        try {
            TensorFile opened = open(folder, name, arena);
            MappedMemory.requireWhole();
            return opened;
        } catch (InternalError e) {
            arena.close();
            throw MappedFile.cutShort(folder.label(name), e);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    private static TensorFile open(Folder folder, String name, Arena arena) {
        String label = folder.label(name);
        return switch (WeightFormat.of(folder, name)) {
            case SAFETENSORS -> {
                SafetensorsFile file = SafetensorsFile.open(folder.open(name), arena);
                List<TensorView> views = file.header().tensors().values().stream()
                        .map(tensor -> TensorView.dense(
                                file.file(), tensor.name(), tensor.dtype(), tensor.shape(), file.bytes(tensor)))
                        .toList();
                yield new TensorFile(label, views, Map.of(), arena);
            }
            case TORCH_ZIP -> {
                if (name.endsWith(".npz")) {
                    yield new TensorFile(label, NpzFile.read(MappedFile.open(folder, name, arena)), Map.of(), arena);
                }
                yield torch(folder, name, arena);
            }
            case TORCH_LEGACY -> torch(folder, name, arena);
            default ->
                throw BadCheckpointException.file(
                        label, "tensors (safetensors, PyTorch's or NumPy's npz)", "a file of another kind");
        };
    }

    private static TensorFile torch(Folder folder, String name, Arena arena) {
        TorchFile.Contents contents = TorchFile.open(folder, name, arena).contents();
        return new TensorFile(folder.label(name), contents.tensors(), contents.values(), arena);
    }

    /** The file's name in errors. */
    public String label() {
        return label;
    }

    /** The names of the tensors, in the file's order. */
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    public boolean has(String tensor) {
        return tensors.containsKey(tensor);
    }

    /** The sizes of a tensor's axes. */
    public List<Long> shape(String tensor) {
        return view(tensor).shape();
    }

    /** Returns whether {@link #floats} can read a tensor: it holds F64, F32, F16 or BF16. */
    public boolean isFloat(String tensor) {
        return isFloat(view(tensor));
    }

    private static boolean isFloat(TensorView view) {
        return switch (view.dtype()) {
            case F64, F32, F16, BF16 -> true;
            default -> false;
        };
    }

    /**
     * Reads a whole tensor of floats, row-major; narrower types are widened and doubles rounded.
     *
     * @throws BadCheckpointException if there is no such tensor, or it holds something else
     */
    public float[] floats(String tensor) {
        TensorView view = view(tensor);
        if (!isFloat(view)) {
            throw bad(tensor, "floats: F64, F32, F16 or BF16", view.dtype().toString());
        }
        int count = count(view);
        float[] all = new float[count];
        if (view.strides().equals(TensorView.denseStrides(view.shape()))) {
            copy(view, view.first(), all, 0, count);
        } else {
            for (int i = 0; i < count; i++) {
                copy(view, element(view, i), all, i, 1);
            }
        }
        return all;
    }

    private static void copy(TensorView view, long first, float[] into, int at, int count) {
        FloatCodec.get(view.bytes(), first * view.dtype().bytes(), view.dtype(), into, at, count);
    }

    /**
     * Reads a whole tensor of integers, row-major.
     *
     * @throws BadCheckpointException if there is no such tensor, or it holds something else
     */
    public long[] integers(String tensor) {
        TensorView view = view(tensor);
        MemorySegment bytes = view.bytes();
        long[] all = new long[count(view)];
        for (int i = 0; i < all.length; i++) {
            long at = element(view, i);
            all[i] = switch (view.dtype()) {
                case I64 -> bytes.get(I64, at * Long.BYTES);
                case I32 -> bytes.get(I32, at * Integer.BYTES);
                default ->
                    throw bad(tensor, "whole numbers: I64 or I32", view.dtype().toString());
            };
        }
        return all;
    }

    /**
     * Reads a whole tensor of single bytes, such as booleans, row-major.
     *
     * @throws BadCheckpointException if there is no such tensor, or it holds something else
     */
    public byte[] bytes(String tensor) {
        TensorView view = view(tensor);
        if (view.dtype().bytes() != 1) {
            throw bad(tensor, "single bytes", view.dtype().toString());
        }
        byte[] all = new byte[count(view)];
        for (int i = 0; i < all.length; i++) {
            all[i] = view.bytes().get(ValueLayout.JAVA_BYTE, element(view, i));
        }
        return all;
    }

    private int count(TensorView view) {
        long elements = view.elements();
        if (elements * view.dtype().bytes() > view.bytes().byteSize() || elements > Integer.MAX_VALUE - 8) {
            throw bad(view.name(), "at most 2^31 values that lie in the file", elements + " values");
        }
        return (int) elements;
    }

    private static long element(TensorView view, int index) {
        long at = view.first();
        long left = index;
        for (int axis = view.shape().size() - 1; axis >= 0; axis--) {
            at += left % view.shape().get(axis) * view.strides().get(axis);
            left /= view.shape().get(axis);
        }
        return at;
    }

    /**
     * The keys of the texts, numbers and booleans of a PyTorch file; keys of nested dictionaries are joined by a dot.
     */
    public Set<String> keys() {
        return Collections.unmodifiableSet(values.keySet());
    }

    /** A text of a PyTorch file; empty if no text has that key. */
    public Optional<String> text(String key) {
        return Optional.ofNullable(values.get(key))
                .filter(String.class::isInstance)
                .map(String.class::cast);
    }

    /** A number of a PyTorch file; empty if no number has that key. */
    public Optional<Double> number(String key) {
        return Optional.ofNullable(values.get(key))
                .filter(Number.class::isInstance)
                .map(value -> ((Number) value).doubleValue());
    }

    private TensorView view(String tensor) {
        TensorView view = tensors.get(tensor);
        if (view == null) {
            throw bad(tensor, "a tensor of that name", "none");
        }
        return view;
    }

    private BadCheckpointException bad(String tensor, String expected, String found) {
        return BadCheckpointException.tensor(label, Printable.plain(tensor), expected, found);
    }

    /** Unmaps the file. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    @Override
    public String toString() {
        return label + ": " + Printable.plural(tensors.size(), "tensor");
    }
}
