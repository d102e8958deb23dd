package dev.hyaline.weights.internal.hub;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubName;
import dev.hyaline.weights.hub.HubSettings;
import dev.hyaline.weights.internal.ConfigFile;
import dev.hyaline.weights.internal.DiskFolder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A download into the cache of the files of one revision that a model needs. */
public final class SnapshotDownload implements AutoCloseable {
    private final CacheLayout layout;
    private final HubListener listener;
    private final HubClient client;
    private final CacheWriter writer;
    private long total;

    public SnapshotDownload(HubSettings settings, HubListener listener) {
        this.layout = new CacheLayout(settings.cache());
        this.listener = listener;
        this.client = new HubClient(settings, listener);
        this.writer = new CacheWriter(settings, client, listener);
    }

    /**
     * Fetches a revision.
     *
     * @return its commit
     * @throws dev.hyaline.engine.error.BadCheckpointException if it is no GPT-2, before its weights are fetched
     */
    public String run(HubName name) {
        Listing listing = client.listing(name);
        String repository = name.repository();
        String commit = listing.commit();
        String weights = weights(name, listing.files());
        SnapshotFolder snapshot = new SnapshotFolder(layout.snapshot(repository, commit));

        fetch(repository, commit, List.of(SnapshotFolder.CONFIG));
        ConfigFile.read(new DiskFolder(snapshot.folder()));

        List<String> files = new ArrayList<>(SnapshotFolder.SMALL_FILES);
        files.removeIf(file -> !listing.files().contains(file));
        files.add(weights);
        fetch(repository, commit, files);
        if (SnapshotFolder.isIndex(weights)) {
            fetch(repository, commit, snapshot.shards(weights));
        }
        SnapshotFolder.SMALL_FILES.stream()
                .filter(file -> !listing.files().contains(file))
                .forEach(file -> writer.noteAbsent(repository, commit, file));
        if (!name.isPinned()) {
            // Last, so that a branch never means a snapshot that is not complete.
            writer.noteRevision(repository, name.revision(), commit);
        }
        return commit;
    }

    private static String weights(HubName name, Set<String> files) {
        if (!files.contains(SnapshotFolder.CONFIG)) {
            throw new HubException(
                    Reason.NO_MODEL, name + " holds no model of transformers: it has no " + SnapshotFolder.CONFIG);
        }
        return SnapshotFolder.weights(files::contains)
                .orElseThrow(() -> new HubException(
                        Reason.NO_MODEL,
                        name + " holds no weights: none of its " + files.size() + " files is called "
                                + String.join(", ", SnapshotFolder.WEIGHTS)));
    }

    private void fetch(String repository, String commit, Iterable<String> files) {
        SnapshotFolder snapshot = new SnapshotFolder(layout.snapshot(repository, commit));
        List<RemoteFile> wanted = new ArrayList<>();
        for (String file : files) {
            if (!snapshot.has(file)) {
                RemoteFile remote = client.describe(repository, commit, file);
                total += remote.size();
                wanted.add(remote);
            }
        }
        listener.total(total);
        wanted.forEach(writer::fetch);
    }

    @Override
    public void close() {
        client.close();
    }
}
