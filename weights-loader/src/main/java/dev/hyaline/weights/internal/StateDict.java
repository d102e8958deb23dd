package dev.hyaline.weights.internal;

import java.util.List;

/**
 * Tensors under the names that a model's author gave them, from one file or from shards.
 *
 * @param label in errors: the only file, or the index of the shards
 * @param files read, by their names in the folder, the index among them
 * @param bytes of all these files
 */
public record StateDict(String label, List<String> files, long bytes, List<TensorView> tensors) {
    public StateDict {
        files = List.copyOf(files);
        tensors = List.copyOf(tensors);
    }

    /** Whether there is a tensor of that name. */
    public boolean has(String name) {
        return tensors.stream().anyMatch(tensor -> tensor.name().equals(name));
    }
}
