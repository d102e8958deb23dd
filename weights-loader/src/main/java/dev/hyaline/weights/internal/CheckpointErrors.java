package dev.hyaline.weights.internal;

import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.files.FileErrors;

/** What is wrong with a file of a checkpoint is a {@link BadCheckpointException}. */
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
}
