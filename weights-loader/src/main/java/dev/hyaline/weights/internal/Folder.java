package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.Json;
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
    FileInput open(String file);

    /** Size of a file in bytes. */
    default long size(String file) {
        try (FileInput input = open(file)) {
            return input.size();
        }
    }

    /**
     * A whole file.
     *
     * @param limit bytes, past which the file is refused without being read
     */
    default byte[] read(String file, int limit) {
        try (FileInput input = open(file)) {
            return input.readAll(limit);
        }
    }

    /**
     * A whole file of JSON whose value is an object.
     *
     * @param limit bytes, past which the file is refused without being read
     */
    default Json readObject(String file, int limit) {
        return Json.readObject(CheckpointErrors.INSTANCE, label(file), read(file, limit));
    }

    /** SHA-256 of a file in lower-case hexadecimal; reads all of it. */
    default String sha256(String file) {
        try (FileInput input = open(file)) {
            return Digests.sha256(input);
        }
    }
}
