package dev.hyaline.weights.hub;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.internal.hub.CacheLayout;
import dev.hyaline.weights.internal.hub.FolderDownload;
import dev.hyaline.weights.internal.hub.SnapshotDownload;
import dev.hyaline.weights.internal.hub.SnapshotFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The Hugging Face hub and its cache on this machine, which is shared with Python's {@code huggingface_hub}: each finds
 * what the other has downloaded.
 *
 * <p>Only the files of a repository that a model needs are fetched: configuration, tokenizer, model card, and one form
 * of the weights, {@code model.safetensors} before {@code pytorch_model.bin}. Each file's size and checksum are
 * compared with those that the hub announces before it gets its name in the cache. Safe to use from several threads and
 * processes.
 */
public final class Hub {
    private static final Pattern FOLDER = Pattern.compile("[\\w.+=-]{1,128}");

    /** The system property that names the authentication schemes disabled when Java tunnels https through a proxy. */
    private static final String DISABLED_SCHEMES = "jdk.http.auth.tunneling.disabledSchemes";

    private final HubSettings settings;
    private final CacheLayout cache;

    private Hub(HubSettings settings) {
        this.settings = settings;
        this.cache = new CacheLayout(settings.cache());
    }

    /**
     * The hub with some settings.
     *
     * <p>By default Java sends no user name and password to a proxy for https, since Basic authentication sends them
     * practically in clear text. A user who writes them into {@code https_proxy}, as for curl and Python, asks for
     * exactly that; then, and only then, Basic authentication is enabled for this process, unless the system property
     * {@value #DISABLED_SCHEMES} is set. Java reads it at the first connection.
     */
    public static Hub of(HubSettings settings) {
        boolean user = settings.proxies()
                .https()
                .filter(proxy -> proxy.getRawUserInfo() != null)
                .isPresent();
        if (user && System.getProperty(DISABLED_SCHEMES) == null) {
            System.setProperty(DISABLED_SCHEMES, "");
        }
        return new Hub(settings);
    }

    /** All snapshots in the cache, of any model and however complete, by repository and commit. */
    public List<Snapshot> cached() {
        return cache.snapshots();
    }

    /** The snapshot that a name refers to, if its configuration and weights are in the cache. No server is asked. */
    public Optional<Snapshot> cached(HubName name) {
        return name.cachedAs().stream()
                .flatMap(repository ->
                        cache.commit(repository, name.revision()).map(commit -> cache.at(repository, commit)).stream())
                .filter(snapshot -> new SnapshotFolder(snapshot.folder()).isUsable())
                .findFirst();
    }

    /**
     * Returns the snapshot that a name refers to, downloading it if it is not in the cache. A branch in the cache
     * refers to the commit it had when it was fetched; {@link #refresh} asks for the current one.
     *
     * @throws HubException if it cannot be obtained
     * @throws dev.hyaline.engine.error.BadCheckpointException if it is no GPT-2; its weights are not fetched then
     */
    public Snapshot get(HubName name, HubListener listener) {
        Optional<Snapshot> found = cached(name);
        if (found.isPresent()) {
            return completed(found.get(), listener);
        }
        requireOnline(name);
        return download(name, listener);
    }

    /**
     * Asks the hub which commit a name refers to now, and downloads the files of it that the cache lacks. Snapshots of
     * earlier commits stay.
     *
     * @throws HubException if it cannot be obtained; the cache is then unchanged
     * @throws dev.hyaline.engine.error.BadCheckpointException if it is no GPT-2; its weights are not fetched then
     */
    public Snapshot refresh(HubName name, HubListener listener) {
        Optional<Snapshot> before = cached(name);
        if (settings.offline()) {
            throw new HubException(
                    Reason.OFFLINE,
                    "HF_HUB_OFFLINE forbids to ask the hub what " + name + " means now; unset that, or "
                            + Remedy.TAKE_CACHED);
        }
        Snapshot now = download(name, listener);
        before.filter(snapshot -> !snapshot.commit().equals(now.commit()))
                .ifPresent(snapshot -> listener.note(name.revision() + " of " + now.repository() + " has moved from "
                        + snapshot.commit() + " to " + now.commit()));
        return now;
    }

    /**
     * Returns a folder of files that are no model, such as a sparse autoencoder's, downloading those of them that are
     * wanted unless they are in the cache. A branch in the cache refers to the commit it had when it was fetched.
     *
     * @param folder within the repository, with slashes between its parts; empty for the repository itself
     * @param wanted chooses files by their names in that folder; those in folders below it are not asked for
     * @throws HubException if it cannot be obtained, or no file there is wanted
     */
    public Path folder(HubName name, String folder, Predicate<String> wanted, HubListener listener) {
        for (String part : folder.isEmpty() ? new String[0] : folder.split("/", -1)) {
            if (!FOLDER.matcher(part).matches() || part.equals("..") || part.equals(".")) {
                throw new BadInputException("no folder of the hub is called " + Printable.quoted(folder));
            }
        }
        Optional<Path> complete = name.cachedAs().stream()
                .flatMap(repository ->
                        cache.commit(repository, name.revision()).map(commit -> cache.at(repository, commit)).stream())
                .map(snapshot -> snapshot.folder().resolve(folder))
                .filter(path -> Files.isRegularFile(path.resolve(FolderDownload.COMPLETE)))
                .findFirst();
        if (complete.isPresent()) {
            return complete.get();
        }
        requireOnline(name);
        try (FolderDownload download = new FolderDownload(settings, listener)) {
            return download.run(name, folder, wanted);
        }
    }

    /** Adds the tokenizer, which another program may not have downloaded. */
    private Snapshot completed(Snapshot snapshot, HubListener listener) {
        if (settings.offline() || cache.knowsTokenizer(snapshot.repository(), snapshot.commit())) {
            return snapshot;
        }
        try {
            return download(new HubName(snapshot.repository(), snapshot.commit()), listener);
        } catch (HubException e) {
            listener.note("the tokenizer of " + snapshot.repository() + " is not in the cache, and " + e.getMessage());
            return snapshot;
        }
    }

    private Snapshot download(HubName name, HubListener listener) {
        try (SnapshotDownload download = new SnapshotDownload(settings, listener)) {
            return cache.at(name.repository(), download.run(name));
        }
    }

    private void requireOnline(HubName name) {
        if (settings.offline()) {
            List<String> others = cache.snapshots().stream()
                    .filter(snapshot -> name.cachedAs().contains(snapshot.repository()))
                    .filter(snapshot -> new SnapshotFolder(snapshot.folder()).isUsable())
                    .map(Snapshot::pinned)
                    .toList();
            throw new HubException(
                    Reason.OFFLINE,
                    name + " is not in the cache " + settings.cache()
                            + (others.isEmpty() ? "" : " (but " + String.join(", ", others) + " is)")
                            + ", and HF_HUB_OFFLINE forbids to download it; unset that, or give a folder that holds"
                            + " it");
        }
    }

    @Override
    public String toString() {
        return "hub " + settings;
    }
}
