package dev.hyaline.weights.internal.torch;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.torch.Pickled.Global;
import dev.hyaline.weights.internal.torch.Pickled.Other;
import dev.hyaline.weights.internal.torch.Pickled.Storage;
import dev.hyaline.weights.internal.torch.Pickled.Tensor;
import dev.hyaline.weights.internal.torch.Pickled.Tuple;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The few names that tensors need in a pickle, and the results of calling them. Any other name is refused. */
final class Rebuilder {
    private static final int MAX_DIMENSIONS = 64;
    private static final char NO_NAME = 0;

    private static final String ORDERED_DICT = "collections.OrderedDict";
    private static final String SIZE = "torch.Size";
    private static final String DEVICE = "torch.device";
    private static final String TENSOR = "torch._utils._rebuild_tensor";
    private static final String TENSOR_V2 = "torch._utils._rebuild_tensor_v2";
    private static final String PARAMETER = "torch._utils._rebuild_parameter";
    private static final String PARAMETER_WITH_STATE = "torch._utils._rebuild_parameter_with_state";
    private static final String FROM_TYPE = "torch._tensor._rebuild_from_type_v2";

    /** Types of values beside the tensors, with their names in errors. Their content is ignored. */
    private static final Map<String, String> VALUES = Map.of(
            "collections.Counter", "a Counter",
            "collections.defaultdict", "a dictionary",
            "_codecs.encode", "bytes",
            "builtins.set", "a set",
            "__builtin__.set", "a set",
            "builtins.complex", "a complex number",
            "__builtin__.complex", "a complex number",
            "builtins.bytearray", "bytes",
            "__builtin__.bytearray", "bytes");

    private static final Set<String> CALLABLE = Stream.concat(
                    VALUES.keySet().stream(),
                    Stream.of(
                            ORDERED_DICT, SIZE, DEVICE, TENSOR, TENSOR_V2, PARAMETER, PARAMETER_WITH_STATE, FROM_TYPE))
            .collect(Collectors.toUnmodifiableSet());

    private static final Set<String> TYPES = Set.of("torch.Tensor", "torch.nn.parameter.Parameter");

    private static final Map<String, Dtype> STORAGES = Map.ofEntries(
            Map.entry("torch.FloatStorage", Dtype.F32),
            Map.entry("torch.HalfStorage", Dtype.F16),
            Map.entry("torch.BFloat16Storage", Dtype.BF16),
            Map.entry("torch.DoubleStorage", Dtype.F64),
            Map.entry("torch.LongStorage", Dtype.I64),
            Map.entry("torch.IntStorage", Dtype.I32),
            Map.entry("torch.ShortStorage", Dtype.I16),
            Map.entry("torch.CharStorage", Dtype.I8),
            Map.entry("torch.ByteStorage", Dtype.U8),
            Map.entry("torch.BoolStorage", Dtype.BOOL),
            Map.entry("torch.ComplexFloatStorage", Dtype.C64));

    private static final Set<String> DTYPES = Set.of(
            "torch.float32",
            "torch.float16",
            "torch.bfloat16",
            "torch.float64",
            "torch.int64",
            "torch.int32",
            "torch.int16",
            "torch.int8",
            "torch.uint8",
            "torch.bool");

    private final String label;
    private final Map<String, Storage> storages = new LinkedHashMap<>();
    private final Set<Object> listsUsed = Collections.newSetFromMap(new IdentityHashMap<>());

    Rebuilder(String label) {
        this.label = label;
    }

    /** Resolves a name in a module. */
    Object global(String module, String name) {
        String full = module + "." + name;
        if (DTYPES.contains(full)) {
            return new Other("a dtype");
        }
        if (CALLABLE.contains(full) || TYPES.contains(full) || STORAGES.containsKey(full)) {
            return new Global(full);
        }
        throw BadCheckpointException.file(
                label,
                "a pickle of tensors and plain values",
                Printable.plain(full) + ", which is not looked up: save the state dictionary alone");
    }

    /** The result of a call. */
    Object call(Object function, Object arguments) {
        if (!(function instanceof Global global) || !CALLABLE.contains(global.name())) {
            throw bad("a call of a function that makes tensors", "one of " + Pickled.kindOf(function));
        }
        List<Object> items = tuple(arguments, "arguments").items();
        if (VALUES.containsKey(global.name())) {
            return new Other(VALUES.get(global.name()));
        }
        return switch (global.name()) {
            case ORDERED_DICT -> orderedDict(items);
            case SIZE -> items.isEmpty() ? new Tuple(List.of()) : tuple(items.getFirst(), "torch.Size");
            case DEVICE -> new Other("a device");
            case TENSOR, TENSOR_V2 -> tensor(items);
            case PARAMETER, PARAMETER_WITH_STATE -> argument(items, 0, Tensor.class, "a tensor");
            default -> fromType(items);
        };
    }

    /** The storage that a persistent id names: (storage, type, key, location, elements), and then nothing relevant. */
    Storage storage(Object id) {
        List<Object> items = tuple(id, "a persistent id").items();
        if (items.size() < 5 || !"storage".equals(items.getFirst())) {
            throw bad("a persistent id of a storage", "another");
        }
        Global type = argument(items, 1, Global.class, "a storage's type");
        Dtype dtype = STORAGES.get(type.name());
        if (dtype == null) {
            throw bad("a storage's type", type.name());
        }
        if (items.size() > 5 && items.get(5) != null) {
            throw bad("a storage of its own", "a view of another, as PyTorch 0.1 saved it");
        }
        String key = argument(items, 2, String.class, "a storage's key");
        long elements = size(items.get(4), "a storage's size");
        if (elements > Long.MAX_VALUE / dtype.bits()) {
            throw bad("a storage smaller than 2^63 bits", elements + " elements");
        }
        Storage storage = new Storage(key, dtype, elements);
        Storage other = storages.putIfAbsent(key, storage);
        if (other != null && !other.equals(storage)) {
            throw bad("one storage " + Printable.quoted(key), "two that differ in type or size");
        }
        return storage;
    }

    /** The storages named so far, by their keys. */
    Map<String, Storage> storages() {
        return storages;
    }

    private Map<Object, Object> orderedDict(List<Object> items) {
        Map<Object, Object> dict = new LinkedHashMap<>();
        if (!items.isEmpty()) {
            List<?> pairs = argument(items, 0, List.class, "a list of pairs");
            if (!listsUsed.add(pairs)) {
                // Each use copies it, so a few bytes could take any amount of memory.
                throw bad("one OrderedDict of a list of pairs", "another of the same list");
            }
            for (Object item : pairs) {
                List<?> pair =
                        item instanceof Tuple tuple ? tuple.items() : item instanceof List<?> list ? list : List.of();
                if (pair.size() != 2) {
                    throw bad("an OrderedDict of pairs", Pickled.kindOf(item));
                }
                dict.put(key(pair.getFirst()), pair.getLast());
            }
        }
        return dict;
    }

    /**
     * A key of a dictionary. Text stays as it is; anything else becomes text that is not a name, so that keys of one
     * hash code are ordered and found fast, however many a hostile file has chosen.
     */
    String key(@Nullable Object key) {
        if (!(key == null || key instanceof String || key instanceof Number || key instanceof Boolean)) {
            throw bad("a dictionary's key that is text or a number", Pickled.kindOf(key));
        }
        return switch (key) {
            case String text when text.isEmpty() || text.charAt(0) != NO_NAME -> text;
            case null -> NO_NAME + "None";
            default -> "" + NO_NAME + Pickled.kindOf(key) + NO_NAME + key;
        };
    }

    /** Returns whether a key of a dictionary was text. */
    static boolean isName(Object key) {
        return key instanceof String text && (text.isEmpty() || text.charAt(0) != NO_NAME);
    }

    private Tensor tensor(List<Object> items) {
        Storage storage = argument(items, 0, Storage.class, "a storage");
        long offset = size(items.size() > 1 ? items.get(1) : null, "a tensor's offset");
        List<Long> shape = sizes(items.size() > 2 ? items.get(2) : null, "a tensor's shape");
        List<Long> strides = sizes(items.size() > 3 ? items.get(3) : null, "a tensor's strides");
        if (shape.size() != strides.size()) {
            throw bad("as many strides as sizes", Printable.plain(shape + " and " + strides));
        }
        try {
            long elements = 1;
            long last = offset;
            for (int i = 0; i < shape.size(); i++) {
                elements = Math.multiplyExact(elements, shape.get(i));
                last = Math.addExact(last, Math.multiplyExact(Math.max(0, shape.get(i) - 1), strides.get(i)));
            }
            if (elements > storage.elements() || (elements > 0 && last >= storage.elements())) {
                throw bad(
                        "a tensor within its storage of " + storage.elements() + " elements",
                        Printable.plain("shape " + shape + ", strides " + strides + ", offset " + offset));
            }
        } catch (ArithmeticException e) {
            throw bad("a tensor whose size fits 63 bits", Printable.plain("shape " + shape + ", strides " + strides));
        }
        return new Tensor(storage, offset, shape, strides);
    }

    /** The result of the function in (function, type, arguments, state). */
    private Object fromType(List<Object> items) {
        Global function = argument(items, 0, Global.class, "a function");
        Global type = argument(items, 1, Global.class, "a tensor's type");
        if (!TYPES.contains(type.name()) || function.name().equals(FROM_TYPE) || items.size() < 3) {
            throw bad("a torch.Tensor", type.name());
        }
        return call(function, items.get(2));
    }

    private Tuple tuple(@Nullable Object value, String what) {
        if (value instanceof Tuple tuple) {
            return tuple;
        }
        throw bad(what + " to be a tuple", Pickled.kindOf(value));
    }

    private <T> T argument(List<Object> items, int index, Class<T> type, String what) {
        Object value = index < items.size() ? items.get(index) : null;
        if (type.isInstance(value)) {
            return type.cast(value);
        }
        throw bad(what, Pickled.kindOf(value));
    }

    private long size(@Nullable Object value, String what) {
        if (value instanceof Long size && size >= 0) {
            return size;
        }
        throw bad(what + " to be a whole number from 0 to 2^63 - 1", Pickled.kindOf(value));
    }

    private List<Long> sizes(@Nullable Object value, String what) {
        List<Object> items = tuple(value, what).items();
        if (items.size() > MAX_DIMENSIONS) {
            throw bad(what + " of at most " + MAX_DIMENSIONS + " numbers", items.size() + " numbers");
        }
        List<Long> sizes = new ArrayList<>();
        items.forEach(item -> sizes.add(size(item, what)));
        // An immutable list is not copied again for every name of the tensor.
        return List.copyOf(sizes);
    }

    private BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.file(label, expected, found);
    }
}
