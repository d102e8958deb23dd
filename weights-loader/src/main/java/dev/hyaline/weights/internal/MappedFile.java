package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.FileInput;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A whole file as memory.
 *
 * @param label of the file in errors
 */
public record MappedFile(String label, MemorySegment bytes) {
    /**
     * Maps a file of a folder.
     *
     * @param arena that keeps it mapped
     */
    public static MappedFile open(Folder folder, String name, Arena arena) {
        try (FileInput input = folder.open(name)) {
            return new MappedFile(folder.label(name), input.map(0, input.size(), arena));
        }
    }

    /** Size of the file. */
    public long size() {
        return bytes.byteSize();
    }

    /** A complaint about the file. */
    public BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.file(label, expected, found);
    }

    /** What it means when memory is gone that was mapped: the {@code InternalError} is how the JVM reports it. */
    public static BadCheckpointException cutShort(String label, InternalError e) {
        return BadCheckpointException.file(label, "a file that stays whole while it is open", "one cut short", e);
    }
}
