package dev.hyaline.weights.internal;

import dev.hyaline.files.FileInput;
import java.io.IOException;
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
            throw CheckpointErrors.INSTANCE.unreadable(label(""), e);
        }
    }

    @Override
    public String label(String file) {
        return directory.resolve(file).toString();
    }

    @Override
    public FileInput open(String file) {
        return FileInput.open(directory.resolve(file), CheckpointErrors.INSTANCE);
    }
}
