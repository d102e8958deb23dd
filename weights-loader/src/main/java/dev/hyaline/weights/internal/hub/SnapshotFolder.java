package dev.hyaline.weights.internal.hub;

import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.DiskFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The files of one commit in the cache, and which of them a model needs. */
public record SnapshotFolder(Path folder) {
    static final String CONFIG = ConfigKeys.FILE;

    static final String TOKENIZER = "tokenizer.json";
    private static final List<String> TOKENIZER_PARTS = List.of("vocab.json", "merges.txt");

    /** The files beside the weights that Hyaline reads or, because the cache is shared, transformers does. */
    static final List<String> SMALL_FILES = List.of(
            CONFIG,
            "generation_config.json",
            TOKENIZER,
            "tokenizer_config.json",
            "special_tokens_map.json",
            "vocab.json",
            "merges.txt",
            "added_tokens.json",
            "README.md");

    /** The files of weights, best first; an index stands for its shards. */
    static final List<String> WEIGHTS = List.of(
            "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json");

    private static final String INDEX_SUFFIX = ".index.json";
    private static final int INDEX_LIMIT = 1 << 26;
    private static final Pattern SHARD = Pattern.compile("\\w[\\w.-]*\\.(safetensors|bin)");

    boolean has(String file) {
        // Follows links, so that a link whose content is gone does not count.
        return Files.isRegularFile(folder.resolve(file));
    }

    /** Returns whether the configuration and all weights are there. */
    public boolean isUsable() {
        return has(CONFIG)
                && weights(this::has)
                        .filter(file -> !isIndex(file) || shards(file).stream().allMatch(this::has))
                        .isPresent();
    }

    /** Returns whether the tokenizer is there. */
    boolean hasTokenizer() {
        return has(TOKENIZER) || TOKENIZER_PARTS.stream().allMatch(this::has);
    }

    /** The best weights among files. */
    static Optional<String> weights(Predicate<String> among) {
        return WEIGHTS.stream().filter(among).findFirst();
    }

    static boolean isIndex(String weights) {
        return weights.endsWith(INDEX_SUFFIX);
    }

    /**
     * The files that an index, which is there, names.
     *
     * @throws dev.hyaline.engine.error.BadCheckpointException if it is broken or names a file that lies elsewhere
     */
    Set<String> shards(String index) {
        Set<String> shards = new TreeSet<>();
        new DiskFolder(folder)
                .readObject(index, INDEX_LIMIT)
                .require("weight_map")
                .forEachField((tensor, shard) -> {
                    if (!SHARD.matcher(shard.string()).matches()) {
                        throw shard.expected("the name of a file of weights in the same folder, not "
                                + Printable.quoted(shard.string()));
                    }
                    shards.add(shard.string());
                });
        return shards;
    }

    /** The size of all the files. */
    public long bytes() {
        long bytes = 0;
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                bytes += Files.isRegularFile(file) ? Files.size(file) : 0;
            }
        } catch (IOException | UncheckedIOException e) {
            // A file that was deleted meanwhile, or a folder that cannot be read, counts as empty.
            return bytes;
        }
        return bytes;
    }
}
