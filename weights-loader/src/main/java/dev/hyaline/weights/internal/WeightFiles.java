package dev.hyaline.weights.internal;

import dev.hyaline.engine.BadCheckpointException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The safetensors files of a checkpoint, one or several shards, opened.
 *
 * @param label of the checkpoint in errors: the only file, or the index of the shards
 * @param names of the files in the folder, the index among them
 */
public record WeightFiles(String label, List<String> names, List<SafetensorsFile> files) {
    /** The file of an unsharded checkpoint. */
    public static final String WHOLE = "model.safetensors";

    /** What the name of a shard index ends with. */
    public static final String INDEX_SUFFIX = ".safetensors.index.json";

    private static final String INDEX = "model" + INDEX_SUFFIX;
    private static final int INDEX_LIMIT = 1 << 26;

    /**
     * Opens whatever weights the folder holds: {@code model.safetensors}, or the shards of {@code
     * model.safetensors.index.json}.
     */
    public static WeightFiles find(Folder folder, Arena arena) {
        if (folder.has(WHOLE)) {
            return open(folder, WHOLE, arena);
        }
        if (folder.has(INDEX)) {
            return open(folder, INDEX, arena);
        }
        String found = folder.has("pytorch_model.bin") || folder.has("pytorch_model.bin.index.json")
                ? "only pytorch_model.bin, which is not read: save the model again with save_pretrained"
                : "neither";
        throw BadCheckpointException.file(folder.label(""), WHOLE + " or " + INDEX, found);
    }

    /** Opens a safetensors file, or all the shards of an index. */
    public static WeightFiles open(Folder folder, String name, Arena arena) {
        if (!name.endsWith(INDEX_SUFFIX)) {
            SafetensorsFile file = SafetensorsFile.open(folder, name, arena);
            return new WeightFiles(file.file(), List.of(name), List.of(file));
        }
        Map<String, String> shardOf = readIndex(folder, name);
        Map<String, SafetensorsFile> shards = new TreeMap<>();
        shardOf.forEach((tensor, shard) -> {
            SafetensorsFile file = shards.computeIfAbsent(shard, key -> SafetensorsFile.open(folder, key, arena));
            if (!file.header().tensors().containsKey(tensor)) {
                throw BadCheckpointException.tensor(
                        file.file(), Shown.plain(tensor), "the tensor here, as " + name + " says", "no such tensor");
            }
        });
        shards.forEach((shard, file) -> file.header().tensors().keySet().forEach(tensor -> {
            if (!shard.equals(shardOf.get(tensor))) {
                throw BadCheckpointException.tensor(
                        file.file(),
                        Shown.plain(tensor),
                        "only tensors that " + name + " places here",
                        shardOf.containsKey(tensor)
                                ? "one it places in " + shardOf.get(tensor)
                                : "one it does not list");
            }
        }));
        List<String> names = new ArrayList<>(List.of(name));
        names.addAll(shards.keySet());
        return new WeightFiles(folder.label(name), List.copyOf(names), List.copyOf(shards.values()));
    }

    private static Map<String, String> readIndex(Folder folder, String name) {
        Map<String, String> shardOf = new LinkedHashMap<>();
        Json map = Json.readObject(folder, name, INDEX_LIMIT).require("weight_map");
        map.forEachField((tensor, value) -> {
            String shard = value.string();
            // The index is a stranger's: it may name files beside it and no others.
            if (!shard.endsWith(".safetensors") || !shard.matches("[\\w.-]+")) {
                throw value.expected("the name of a .safetensors file in this folder");
            }
            shardOf.put(tensor, shard);
        });
        return shardOf;
    }
}
