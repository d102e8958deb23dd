package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileErrors;
import java.io.IOException;
import java.nio.file.NoSuchFileException;

/** The exceptions for files of a checkpoint: each is a {@link BadCheckpointException}. */
public enum CheckpointErrors implements FileErrors {
    INSTANCE;

    @Override
    public BadCheckpointException file(String file, String expected, String found) {
        return BadCheckpointException.file(file, expected, found);
    }

    @Override
    public BadCheckpointException file(String file, String expected, String found, Throwable cause) {
        return BadCheckpointException.file(file, expected, found, cause);
    }

    @Override
    public BadCheckpointException tensor(String file, String tensor, String expected, String found) {
        return BadCheckpointException.tensor(file, tensor, expected, found);
    }

    @Override
    public BadCheckpointException unreadable(String file, IOException cause) {
        return cause instanceof NoSuchFileException
                ? file(file, "a file", "no such file", cause)
                : file(file, "a readable file", FileException.reason(cause), cause);
    }
}
