package dev.hyaline.weights.internal.hub;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubName;
import dev.hyaline.weights.hub.HubSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/** A download into the cache of chosen files in one folder of a revision. */
public final class FolderDownload implements AutoCloseable {
    /** Marks a folder of which all that was wanted is there; other programs overlook it. */
    public static final String COMPLETE = ".hyaline.complete";

    private final CacheLayout layout;
    private final HubListener listener;
    private final HubClient client;
    private final CacheWriter writer;

    public FolderDownload(HubSettings settings, HubListener listener) {
        this.layout = new CacheLayout(settings.cache());
        this.listener = listener;
        this.client = new HubClient(settings, listener);
        this.writer = new CacheWriter(settings, client, listener);
    }

    /**
     * Fetches the files.
     *
     * @return the folder in the cache
     */
    public Path run(HubName name, String folder, Predicate<String> wanted) {
        Listing listing = client.listing(name);
        String within = folder.isEmpty() ? "" : folder + "/";
        List<String> files = listing.files().stream()
                .filter(file -> file.startsWith(within))
                .filter(file -> file.indexOf('/', within.length()) < 0)
                .filter(file -> wanted.test(file.substring(within.length())))
                .toList();
        if (files.isEmpty()) {
            throw new HubException(
                    Reason.NOT_FOUND,
                    name + " holds no such files" + (folder.isEmpty() ? "" : " in " + folder) + ", only "
                            + listing.files().size() + " others");
        }
        String repository = name.repository();
        SnapshotFolder snapshot = new SnapshotFolder(layout.snapshot(repository, listing.commit()));
        List<RemoteFile> missing = files.stream()
                .filter(file -> !snapshot.has(file))
                .map(file -> client.describe(repository, listing.commit(), file))
                .toList();
        listener.total(missing.stream().mapToLong(RemoteFile::size).sum());
        missing.forEach(writer::fetch);
        Path fetched = snapshot.folder().resolve(folder);
        mark(fetched);
        if (!name.isPinned()) {
            // Last, so that a branch never means a snapshot that is not complete.
            writer.noteRevision(repository, name.revision(), listing.commit());
        }
        return fetched;
    }

    private static void mark(Path folder) {
        try {
            Path mark = folder.resolve(COMPLETE);
            if (!Files.exists(mark)) {
                Files.createFile(mark);
            }
        } catch (IOException e) {
            throw new HubException(Reason.CACHE, "cannot write to the cache " + folder, e);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
