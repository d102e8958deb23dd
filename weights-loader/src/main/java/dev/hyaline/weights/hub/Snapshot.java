package dev.hyaline.weights.hub;

import dev.hyaline.weights.internal.hub.SnapshotFolder;
import java.nio.file.Path;
import java.util.List;

/**
 * One commit of a repository in the cache.
 *
 * @param repository such as {@code openai-community/gpt2}
 * @param commit its hash, 40 hexadecimal digits
 * @param revisions the branches and tags that referred to this commit when they were last fetched
 * @param folder where its files, or links to them, lie
 */
public record Snapshot(String repository, String commit, List<String> revisions, Path folder) {
    public Snapshot {
        revisions = List.copyOf(revisions);
    }

    /** Repository and commit as {@link HubName#parse} takes them: {@code openai-community/gpt2@607a30d7...}. */
    public String pinned() {
        return repository + "@" + commit;
    }

    /** The size of all its files. */
    public long bytes() {
        return new SnapshotFolder(folder).bytes();
    }
}
