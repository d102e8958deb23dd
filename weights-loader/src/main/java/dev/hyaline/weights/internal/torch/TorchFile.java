package dev.hyaline.weights.internal.torch;

import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.StateDict;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.torch.Pickled.Storages;
import dev.hyaline.weights.internal.torch.Pickled.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A file of {@code torch.save}: a pickle, and the values of its tensors, which stay in the file.
 *
 * @param name of the file in its folder
 * @param root the object saved, as {@link Pickled} values
 * @param storages the bytes of its tensors
 */
public record TorchFile(MappedFile file, String name, Object root, Storages storages) {
    /** Keys under which training loops keep the model's state dictionary. */
    private static final List<String> NESTED = List.of("state_dict", "model_state_dict", "model");

    /** Opens a file of either form. */
    public static TorchFile open(Folder folder, String name, Arena arena) {
        MappedFile file = MappedFile.open(folder, name, arena);
        boolean zip = file.size() > 0 && file.bytes().get(ValueLayout.JAVA_BYTE, 0) == 'P';
        return zip ? TorchZip.open(file, name) : TorchLegacy.open(file, name);
    }

    /** A value of the saved dictionary; null if it is absent or {@code None}. */
    @Nullable
    Object get(String key) {
        return root instanceof Map<?, ?> map ? map.get(key) : null;
    }

    /** The most levels of nested dictionaries, and values in all, of a plain collection. */
    private static final int MAX_DEPTH = 8;

    private static final int MAX_VALUES = 1 << 20;

    /**
     * The contents of the saved dictionary.
     *
     * @param tensors under their keys
     * @param values texts, numbers and booleans, by key
     */
    public record Contents(List<TensorView> tensors, Map<String, Object> values) {}

    /** Flattens the saved dictionary: keys of nested dictionaries are joined by a dot. */
    public Contents contents() {
        if (!(root instanceof Map<?, ?> map)) {
            throw file.bad("a dictionary", Pickled.kindOf(root));
        }
        Contents contents = new Contents(new ArrayList<>(), new LinkedHashMap<>());
        flatten(map, "", 0, contents);
        return contents;
    }

    private void flatten(Map<?, ?> map, String prefix, int depth, Contents into) {
        if (depth > MAX_DEPTH || into.tensors.size() + into.values.size() > MAX_VALUES) {
            throw file.bad("a plain dictionary of tensors", "dictionaries without end in one another");
        }
        map.forEach((key, value) -> {
            if (!(key instanceof String name) || !Rebuilder.isName(key)) {
                throw file.bad("a dictionary whose keys are names", "one that is no text");
            }
            switch (value) {
                case Tensor tensor -> into.tensors.add(view(prefix + name, tensor));
                case Map<?, ?> nested -> flatten(nested, prefix + name + ".", depth + 1, into);
                case String text -> into.values.put(prefix + name, text);
                case Boolean flag -> into.values.put(prefix + name, flag);
                case Number number -> into.values.put(prefix + name, number);
                case null, default -> {
                    // Not needed by a reader of tensors.
                }
            }
        });
    }

    /** The state dictionary: the saved object itself, or the one in it. */
    public StateDict stateDict() {
        for (String key : NESTED) {
            if (get(key) instanceof Map<?, ?> nested) {
                return stateDict(nested);
            }
        }
        if (root instanceof Map<?, ?> map) {
            return stateDict(map);
        }
        throw file.bad("a state dictionary", Pickled.kindOf(root));
    }

    /** Tensors by name, and nothing else. */
    StateDict stateDict(Map<?, ?> map) {
        List<TensorView> tensors = new ArrayList<>(map.size());
        map.forEach((key, value) -> {
            if (!(key instanceof String tensorName) || !Rebuilder.isName(key)) {
                throw file.bad("a state dictionary whose keys are names", "one that is no text");
            }
            if (!(value instanceof Tensor tensor)) {
                throw file.bad(
                        "a state dictionary of tensors",
                        Printable.quoted(tensorName) + " that is " + Pickled.kindOf(value));
            }
            tensors.add(view(tensorName, tensor));
        });
        return new StateDict(file.label(), List.of(name), file.size(), tensors);
    }

    private TensorView view(String tensorName, Tensor tensor) {
        MemorySegment bytes = storages.bytes(tensor.storage());
        return new TensorView(
                file.label(),
                tensorName,
                tensor.storage().dtype(),
                tensor.shape(),
                tensor.strides(),
                tensor.offset(),
                bytes);
    }
}
