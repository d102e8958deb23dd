package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.FileInput;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A whole file mapped into memory.
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

    /** The size of the file. */
    public long size() {
        return bytes.byteSize();
    }

    /** The exception for a wrong file. */
    public BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.file(label, expected, found);
    }

    /** The exception for a mapped file that was cut short, which the JVM reports by an {@code InternalError}. */
    public static BadCheckpointException cutShort(String label, InternalError e) {
        return BadCheckpointException.file(label, "a file that stays whole while it is open", "one cut short", e);
    }
}
