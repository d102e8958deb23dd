package dev.hyaline.files;

import dev.hyaline.engine.error.HyalineException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file open for reading, whose size is determined once. */
public interface FileInput extends AutoCloseable {
    /**
     * Opens a regular file on disk. A symbolic link is followed: the Hugging Face cache is made of them.
     *
     * @throws HyalineException made by {@code errors}, if the file does not exist or cannot be read
     */
    static FileInput open(Path file, FileErrors errors) {
        String label = file.toString();
        // Opening a FIFO would block for ever, so anything but a regular file is refused unopened.
        if (!Files.isRegularFile(file)) {
            throw Files.exists(file)
                    ? errors.file(label, "a file", "something else")
                    : errors.unreadable(label, new NoSuchFileException(label));
        }
        try {
            FileChannel channel = FileChannel.open(file);
            return new Disk(label, errors, channel, channel.size());
        } catch (IOException e) {
            throw failure(errors, label, e);
        }
    }

    /** The file's name in errors. */
    String label();

    /** The factory of exceptions for this file. */
    FileErrors errors();

    /** The file's size in bytes when it was opened. */
    long size();

    /** Copies part of the file. The caller has checked the range against {@link #size}. */
    byte[] read(long offset, int length);

    /**
     * Reads the whole file.
     *
     * @param limit the most bytes; a longer file is refused without being read
     */
    default byte[] readAll(int limit) {
        if (size() > limit) {
            throw errors().file(label(), "at most " + limit + " bytes", size() + " bytes");
        }
        return read(0, (int) size());
    }

    /** Returns part of the file as memory, mapped if it is on disk, readable until the arena closes. */
    MemorySegment map(long offset, long length, Arena arena);

    @Override
    void close();

    /** The exception for a failed read; an interrupted thread is not the file's fault. */
    private static HyalineException failure(FileErrors errors, String label, IOException e) {
        return e instanceof ClosedByInterruptException
                ? new HyalineException("interrupted while reading " + label, e)
                : errors.unreadable(label, e);
    }

    /** A file on disk. */
    record Disk(String label, FileErrors errors, FileChannel channel, long size) implements FileInput {
        @Override
        public byte[] read(long offset, int length) {
            ByteBuffer bytes = ByteBuffer.allocate(length);
            try {
                while (bytes.hasRemaining()) {
                    if (channel.read(bytes, offset + bytes.position()) < 0) {
                        throw errors.file(label, size + " bytes, as when it was opened", channel.size() + " bytes");
                    }
                }
            } catch (IOException e) {
                throw failure(errors, label, e);
            }
            return bytes.array();
        }

        @Override
        public MemorySegment map(long offset, long length, Arena arena) {
            try {
                return channel.map(FileChannel.MapMode.READ_ONLY, offset, length, arena);
            } catch (IOException e) {
                throw failure(errors, label, e);
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw failure(errors, label, e);
            }
        }
    }
}
