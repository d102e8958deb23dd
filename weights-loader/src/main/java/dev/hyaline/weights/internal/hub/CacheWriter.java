package dev.hyaline.weights.internal.hub;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubSettings;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/** A writer of the hub's files to the cache. A file under its final name is complete and checked. */
final class CacheWriter {
    private final CacheLayout layout;
    private final HubClient client;
    private final HubListener listener;
    private boolean symbolicLinks;

    CacheWriter(HubSettings settings, HubClient client, HubListener listener) {
        this.layout = new CacheLayout(settings.cache());
        this.symbolicLinks = settings.symbolicLinks();
        this.client = client;
        this.listener = listener;
    }

    /** Adds a file to its snapshot unless it is there. */
    void fetch(RemoteFile file) {
        Path pointer = pointer(file);
        Path lock = layout.lock(file.repository(), file.checksum());
        try (CacheLock _ = CacheLock.take(lock, () -> listener.note("waiting for another download of " + file))) {
            if (Files.isRegularFile(pointer)) {
                listener.advanced(file.size());
                return;
            }
            Path blob = layout.blob(file.repository(), file.checksum());
            boolean present = Files.isRegularFile(blob) && Files.size(blob) == file.size();
            if (present) {
                listener.advanced(file.size());
            } else {
                download(file, blob);
            }
            Disk.createParent(pointer);
            place(blob, pointer, !present);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private Path pointer(RemoteFile file) {
        return layout.snapshot(file.repository(), file.commit()).resolve(file.name());
    }

    private void download(RemoteFile file, Path blob) throws IOException {
        Path partial = layout.partial(file.repository(), file.checksum());
        Disk.createParent(partial);
        long free = Files.getFileStore(partial.getParent()).getUsableSpace();
        long here = Files.isRegularFile(partial, LinkOption.NOFOLLOW_LINKS) ? Files.size(partial) : 0;
        // Some file systems do not know their free space, and say 0.
        if (free > 0 && file.size() - here > free) {
            throw new HubException(
                    Reason.CACHE,
                    file + " has " + file.size() + " bytes, but the disk of " + layout.root() + " has only " + free
                            + " left; make room, or set HF_HUB_CACHE to a folder elsewhere");
        }
        new BlobDownload(client, listener, file, partial).run();
        Files.move(partial, blob, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Makes the snapshot's file: a relative link, which stays valid if the cache is moved; otherwise, as in Python, the
     * content itself, which is moved there if no other snapshot can have it yet.
     */
    private void place(Path blob, Path pointer, boolean unshared) throws IOException {
        if (symbolicLinks) {
            try {
                Files.deleteIfExists(pointer);
                Files.createSymbolicLink(
                        pointer, Objects.requireNonNull(pointer.getParent()).relativize(blob));
                return;
            } catch (FileAlreadyExistsException e) {
                if (Files.isRegularFile(pointer)) {
                    return; // Another program was quicker.
                }
                throw e;
            } catch (UnsupportedOperationException | FileSystemException e) {
                symbolicLinks = false;
                listener.note("the file system of " + layout.root() + " has no symbolic links; files take their place");
            }
        }
        Path content = blob;
        if (!unshared) {
            content = pointer.resolveSibling(pointer.getFileName() + ".hyaline.incomplete");
            Files.copy(blob, content, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.move(content, pointer, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Records that a repository has no such file, for programs that would otherwise ask the hub for it. */
    void noteAbsent(String repository, String commit, String file) {
        Path note = layout.absent(repository, commit, file);
        try {
            if (!Files.exists(note)) {
                Disk.createParent(note);
                Files.createFile(note);
            }
        } catch (FileAlreadyExistsException e) {
            // Another program has recorded it meanwhile.
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** Records the commit of a revision. */
    void noteRevision(String repository, String revision, String commit) {
        Path ref = layout.ref(repository, revision);
        Path folder = Objects.requireNonNull(ref.getParent());
        try {
            Files.createDirectories(folder);
            Path written = Files.createTempFile(folder, ref.getFileName().toString(), ".tmp");
            Files.writeString(written, commit);
            Disk.sync(written);
            Files.move(written, ref, StandardCopyOption.ATOMIC_MOVE);
            Disk.sync(folder);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private HubException unwritable(IOException e) {
        return new HubException(
                Reason.CACHE,
                "cannot write to the cache " + layout.root() + " (" + FileException.reason(e)
                        + "); set HF_HUB_CACHE to a folder that can be written",
                e);
    }
}
