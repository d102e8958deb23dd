package dev.hyaline.weights.internal;

import java.util.List;
import java.util.Optional;

/**
 * The tensors of one file or of shards, under the names that the model's author gave them.
 *
 * @param label in errors: the only file, or the index of the shards
 * @param files read, by their names in the folder, the index among them
 * @param bytes of all these files
 */
public record StateDict(String label, List<String> files, long bytes, List<TensorView> tensors) {
    /**
     * The prefixes that DistributedDataParallel, Lightning modules and {@code torch.compile} put before the names of a
     * wrapped model.
     */
    private static final List<String> WRAPPERS = List.of("module.", "model.", "_orig_mod.");

    public StateDict {
        files = List.copyOf(files);
        tensors = List.copyOf(tensors);
    }

    /** Returns whether there is a tensor of that name. */
    public boolean has(String name) {
        return tensors.stream().anyMatch(tensor -> tensor.name().equals(name));
    }

    /**
     * Removes the wrappers' prefixes that every name has, however many and in whatever order; errors then also omit
     * them.
     */
    public StateDict unwrapped() {
        int start = 0;
        for (Optional<String> next = wrapperAt(0); next.isPresent(); next = wrapperAt(start)) {
            start += next.get().length();
        }
        return start == 0 ? this : new StateDict(label, files, bytes, namedFrom(start));
    }

    private Optional<String> wrapperAt(int start) {
        return WRAPPERS.stream()
                .filter(wrapper -> !tensors.isEmpty()
                        && tensors.stream().allMatch(tensor -> tensor.name().startsWith(wrapper, start)))
                .findFirst();
    }

    private List<TensorView> namedFrom(int start) {
        return tensors.stream()
                .map(tensor -> tensor.named(tensor.name().substring(start)))
                .toList();
    }
}
