package dev.hyaline.weights.internal;

import dev.hyaline.engine.BadCheckpointException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A directory on disk. Symbolic links are followed: the Hugging Face cache is made of them. */
public record DiskFolder(Path directory) implements Folder {
    @Override
    public boolean has(String file) {
        return Files.isRegularFile(directory.resolve(file));
    }

    @Override
    public List<String> names() {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw unreadable(label(""), e);
        }
    }

    @Override
    public String label(String file) {
        return directory.resolve(file).toString();
    }

    @Override
    public Input open(String file) {
        // A FIFO would block for ever, so what is not a regular file is refused unopened.
        if (!has(file)) {
            String found = Files.exists(directory.resolve(file)) ? "something else" : "no such file";
            throw BadCheckpointException.file(label(file), "a file", found);
        }
        try {
            FileChannel channel = FileChannel.open(directory.resolve(file));
            return new DiskInput(label(file), channel, channel.size());
        } catch (IOException e) {
            throw unreadable(label(file), e);
        }
    }

    private static BadCheckpointException unreadable(String label, IOException e) {
        return BadCheckpointException.file(label, "a readable file", e.toString(), e);
    }

    private record DiskInput(String label, FileChannel channel, long size) implements Input {
        @Override
        public byte[] read(long offset, int length) {
            ByteBuffer bytes = ByteBuffer.allocate(length);
            try {
                while (bytes.hasRemaining()) {
                    if (channel.read(bytes, offset + bytes.position()) < 0) {
                        throw BadCheckpointException.file(
                                label, size + " bytes, as when it was opened", channel.size() + " bytes");
                    }
                }
            } catch (IOException e) {
                throw unreadable(label, e);
            }
            return bytes.array();
        }

        @Override
        public MemorySegment map(long offset, long length, Arena arena) {
            try {
                return channel.map(FileChannel.MapMode.READ_ONLY, offset, length, arena);
            } catch (IOException e) {
                throw unreadable(label, e);
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw unreadable(label, e);
            }
        }
    }
}
