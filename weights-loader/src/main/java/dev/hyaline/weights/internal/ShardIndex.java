package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Hugging Face's index of a checkpoint in shards, {@code model.safetensors.index.json} and the like. */
final class ShardIndex {
    private static final int LIMIT = 1 << 26;

    private ShardIndex() {}

    /**
     * Opens all shards of an index, which must hold exactly the tensors that it lists.
     *
     * @param openShard from the name of a file in the folder
     */
    static StateDict open(Folder folder, String name, Function<String, StateDict> openShard) {
        Map<String, String> shardOf = read(folder, name);
        Map<String, StateDict> shards = new TreeMap<>();
        for (String shard : shardOf.values()) {
            shards.computeIfAbsent(shard, openShard);
        }
        Map<String, Set<String>> held = new TreeMap<>();
        shards.forEach((shard, dict) ->
                held.put(shard, dict.tensors().stream().map(TensorView::name).collect(Collectors.toSet())));
        shardOf.forEach((tensor, shard) -> {
            if (!held.getOrDefault(shard, Set.of()).contains(tensor)) {
                throw BadCheckpointException.tensor(
                        Objects.requireNonNull(shards.get(shard)).label(),
                        Printable.plain(tensor),
                        "the tensor here, as " + name + " says",
                        "no such tensor");
            }
        });
        shards.forEach((shard, dict) -> dict.tensors().forEach(tensor -> {
            String listed = shardOf.get(tensor.name());
            if (!shard.equals(listed)) {
                throw tensor.bad(
                        "only tensors that " + name + " places here",
                        listed == null ? "one it does not list" : "one it places in " + Printable.plain(listed));
            }
        }));
        List<String> names = new ArrayList<>(List.of(name));
        names.addAll(shards.keySet());
        return new StateDict(
                folder.label(name),
                names,
                shards.values().stream().mapToLong(StateDict::bytes).sum(),
                shards.values().stream()
                        .flatMap(dict -> dict.tensors().stream())
                        .toList());
    }

    private static Map<String, String> read(Folder folder, String name) {
        Map<String, String> shardOf = new LinkedHashMap<>();
        Json map = folder.readObject(name, LIMIT).require("weight_map");
        map.forEachField((tensor, value) -> {
            String shard = value.string();
            // The index may be untrusted: it may name only files beside it.
            if (!shard.matches("[\\w.-]{1,240}\\.(safetensors|bin)")) {
                throw value.expected("the name of a .safetensors or .bin file in this folder");
            }
            shardOf.put(tensor, shard);
        });
        return shardOf;
    }
}
