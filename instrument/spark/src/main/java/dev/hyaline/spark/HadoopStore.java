package dev.hyaline.spark;

import dev.hyaline.instrument.dump.PartStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * The folder of a planned dump in a file system of Hadoop's. A shard is written on this machine and then copied. On a
 * file system it gets its name when it is complete; in an object store, which has no such step, it appears when its
 * upload is complete.
 */
final class HadoopStore implements PartStore {
    /** Schemes of object stores: to rename there is to copy, and a file appears whole. */
    private static final Set<String> OBJECT_STORES =
            Set.of("s3a", "s3", "s3n", "gs", "oss", "cos", "cosn", "obs", "tos", "swift");

    private static final int COPY = 1 << 20;

    private final Path folder;
    private final FileSystem files;
    private final boolean objects;
    private final java.nio.file.Path scratch;

    /** @param scratch a folder of this machine */
    HadoopStore(String folder, java.nio.file.Path scratch) throws IOException {
        this.folder = new Path(folder);
        this.files = Hadoop.of(this.folder);
        this.objects = OBJECT_STORES.contains(files.getUri().getScheme().toLowerCase(Locale.ROOT));
        this.scratch = scratch;
    }

    private Path path(String file) {
        return new Path(folder, file);
    }

    @Override
    public String name(String file) {
        return path(file).toString();
    }

    @Override
    public String name() {
        return folder.toString();
    }

    @Override
    public java.nio.file.Path scratch() {
        return scratch;
    }

    @Override
    public OptionalLong size(String file) throws IOException {
        try {
            FileStatus status = files.getFileStatus(path(file));
            return status.isFile() ? OptionalLong.of(status.getLen()) : OptionalLong.empty();
        } catch (FileNotFoundException e) {
            return OptionalLong.empty();
        }
    }

    @Override
    public InputStream open(String file) throws IOException {
        return files.open(path(file));
    }

    @Override
    public void publish(java.nio.file.Path written, String file) throws IOException {
        publish(written, file, true);
    }

    @Override
    public boolean publishNew(java.nio.file.Path written, String file) throws IOException {
        try {
            publish(written, file, false);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    private void publish(java.nio.file.Path written, String file, boolean replace) throws IOException {
        if (objects) {
            copy(written, path(file), replace);
            return;
        }
        Path attempt = path(written.getFileName().toString());
        copy(written, attempt, true);
        try {
            FileContext.getFileContext(files.getUri(), Hadoop.configuration())
                    .rename(attempt, path(file), replace ? Options.Rename.OVERWRITE : Options.Rename.NONE);
        } catch (IOException e) {
            files.delete(attempt, false);
            throw e;
        }
    }

    private void copy(java.nio.file.Path written, Path to, boolean replace) throws IOException {
        FSDataOutputStream out = files.create(to, replace);
        try (InputStream in = Files.newInputStream(written)) {
            byte[] piece = new byte[COPY];
            for (int read; (read = in.read(piece)) > 0; ) {
                out.write(piece, 0, read);
            }
            if (out.hasCapability(StreamCapabilities.HSYNC)) {
                out.hsync();
            }
        } catch (IOException | RuntimeException e) {
            abandon(out, e);
            throw e;
        }
        out.close();
    }

    /** Gives up what is half written: to close it would complete an upload. */
    private static void abandon(FSDataOutputStream out, Exception reason) {
        try {
            if (out.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
                out.abort();
            } else {
                out.close();
            }
        } catch (IOException | RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    @Override
    public void removeAttempts(Predicate<String> isAttempt) throws IOException {
        if (objects) {
            return; // What was not complete never appeared.
        }
        for (RemoteIterator<FileStatus> all = files.listStatusIterator(folder); all.hasNext(); ) {
            Path file = all.next().getPath();
            if (isAttempt.test(file.getName())) {
                files.delete(file, false);
            }
        }
    }
}
