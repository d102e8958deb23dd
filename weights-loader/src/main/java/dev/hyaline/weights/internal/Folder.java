package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.Json;
import java.util.List;

/** The folder of a checkpoint: a directory on disk, or resources of this library. Files are named without a path. */
public sealed interface Folder permits DiskFolder, ResourceFolder {
    /** Returns whether there is a regular file of that name. */
    boolean has(String file);

    /** The names of the regular files, sorted. */
    List<String> names();

    /** The name of a file in errors. */
    String label(String file);

    /**
     * Opens a file for reading.
     *
     * @throws BadCheckpointException if the file does not exist or cannot be read
     */
    FileInput open(String file);

    /** The size of a file in bytes. */
    default long size(String file) {
        try (FileInput input = open(file)) {
            return input.size();
        }
    }

    /**
     * Reads a whole file.
     *
     * @param limit the most bytes; a longer file is refused without being read
     */
    default byte[] read(String file, int limit) {
        try (FileInput input = open(file)) {
            return input.readAll(limit);
        }
    }

    /**
     * Reads a whole file of JSON whose value is an object.
     *
     * @param limit the most bytes; a longer file is refused without being read
     */
    default Json readObject(String file, int limit) {
        return Json.readObject(CheckpointErrors.INSTANCE, label(file), read(file, limit));
    }

    /** The SHA-256 of a file in lower-case hexadecimal; reads the whole file. */
    default String sha256(String file) {
        try (FileInput input = open(file)) {
            return Digests.sha256(input);
        }
    }
}
