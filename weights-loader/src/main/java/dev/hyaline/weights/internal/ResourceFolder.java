package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.FileErrors;
import dev.hyaline.files.FileInput;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Resources of this library, read into memory when opened.
 *
 * @param name of the built-in model, which is that of the resource folder beside {@code Checkpoint}
 */
public record ResourceFolder(String name) implements Folder {
    private static final String ROOT = "/dev/hyaline/weights/";

    @Override
    public boolean has(String file) {
        return ResourceFolder.class.getResource(path(file)) != null;
    }

    /** Returns no names: resources cannot be listed, and their usual names suffice. */
    @Override
    public List<String> names() {
        return List.of();
    }

    @Override
    public String label(String file) {
        return "built-in " + name + "/" + file;
    }

    @Override
    public FileInput open(String file) {
        try (InputStream stream = ResourceFolder.class.getResourceAsStream(path(file))) {
            if (stream == null) {
                throw BadCheckpointException.file(label(file), "a file", "no such file");
            }
            return new ResourceInput(label(file), stream.readAllBytes());
        } catch (IOException e) {
            throw CheckpointErrors.INSTANCE.unreadable(label(file), e);
        }
    }

    private String path(String file) {
        return ROOT + name + "/" + file;
    }

    private record ResourceInput(String label, byte[] bytes) implements FileInput {
        @Override
        public FileErrors errors() {
            return CheckpointErrors.INSTANCE;
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public byte[] read(long offset, int length) {
            return Arrays.copyOfRange(bytes, (int) offset, (int) offset + length);
        }

        @Override
        public MemorySegment map(long offset, long length, Arena arena) {
            return MemorySegment.ofArray(bytes).asSlice(offset, length).asReadOnly();
        }

        @Override
        public void close() {
            // Nothing is held open.
        }
    }
}
