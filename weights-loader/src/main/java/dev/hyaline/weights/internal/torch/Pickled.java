package dev.hyaline.weights.internal.torch;

import dev.hyaline.files.Dtype;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values of a pickle other than {@code null}, Boolean, Long, BigInteger, Double, String, List and Map: the few
 * things that tensors consist of. They are data; no class is looked up for them.
 */
sealed interface Pickled {
    /** A tuple; {@code torch.Size} is one too. */
    record Tuple(List<Object> items) implements Pickled {}

    /** A class or function by its name, such as {@code torch._utils._rebuild_tensor_v2}. */
    record Global(String name) implements Pickled {}

    /** A harmless value that no tensor needs: bytes, a device, a dtype. */
    record Other(String what) implements Pickled {}

    /**
     * Memory that tensors share.
     *
     * @param key that says where its bytes are
     * @param elements it claims to have
     */
    record Storage(String key, Dtype dtype, long elements) implements Pickled {
        /** The number of bytes it claims to have; the product has been checked. */
        long bytes() {
            return elements * (dtype.bits() / Byte.SIZE);
        }
    }

    /** A tensor: every element is in its storage, and it has no more elements than the storage. */
    record Tensor(Storage storage, long offset, List<Long> shape, List<Long> strides) implements Pickled {}

    /** The kind of a value, for errors. */
    static String kindOf(@Nullable Object value) {
        return switch (value) {
            case null -> "None";
            case Boolean b -> "a truth value";
            case String text -> "text";
            case Number number -> "a number";
            case List<?> list -> "a list";
            case Map<?, ?> map -> "a dictionary";
            case Tuple tuple -> "a tuple";
            case Global global -> "the name " + global.name();
            case Other other -> other.what();
            case Storage storage -> "a storage";
            case Tensor tensor -> "a tensor";
            default -> value.getClass().getSimpleName();
        };
    }

    /** The bytes of storages. */
    interface Storages {
        MemorySegment bytes(Storage storage);
    }
}
