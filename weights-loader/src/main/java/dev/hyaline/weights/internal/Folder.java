package dev.hyaline.weights.internal;

import dev.hyaline.engine.BadCheckpointException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Where a checkpoint's files lie: a directory on disk, or resources of this library. Files are named without any path.
 */
public sealed interface Folder permits DiskFolder, ResourceFolder {
    /** Whether there is a regular file of that name. */
    boolean has(String file);

    /** Names of its regular files, sorted. */
    List<String> names();

    /** What a file is called in an error. */
    String label(String file);

    /**
     * Opens a file for reading.
     *
     * @throws BadCheckpointException when there is no such file, or it cannot be read
     */
    Input open(String file);

    /** Size of a file in bytes. */
    default long size(String file) {
        try (Input input = open(file)) {
            return input.size();
        }
    }

    /**
     * A whole file.
     *
     * @param limit bytes, past which the file is refused without being read
     */
    default byte[] read(String file, int limit) {
        try (Input input = open(file)) {
            if (input.size() > limit) {
                throw BadCheckpointException.file(label(file), "at most " + limit + " bytes", input.size() + " bytes");
            }
            return input.read(0, (int) input.size());
        }
    }

    /** SHA-256 of a file in lower-case hexadecimal; reads all of it. */
    default String sha256(String file) {
        try (Input input = open(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            int chunk = 1 << 20;
            for (long at = 0; at < input.size(); at += chunk) {
                digest.update(input.read(at, (int) Math.min(chunk, input.size() - at)));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** An open file, whose size is taken once. */
    interface Input extends AutoCloseable {
        long size();

        /** Copies part of the file; the caller has checked the part against {@link #size}. */
        byte[] read(long offset, int length);

        /** Part of the file as memory, mapped if it is on disk, which stays readable until the arena closes. */
        MemorySegment map(long offset, long length, Arena arena);

        @Override
        void close();
    }
}
