package dev.hyaline.analysis.laboratory;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** The files of a study's finished phases, to be read. */
public final class StudyFiles {
    private static final int MAX_BYTES = 1 << 30;

    private final Path folder;

    /** @param folder of the study */
    StudyFiles(Path folder) {
        this.folder = folder;
    }

    /** Returns whether there is a file. */
    public boolean has(String path) {
        return Files.isRegularFile(folder.resolve(path), LinkOption.NOFOLLOW_LINKS);
    }

    /**
     * A file's content.
     *
     * @param path in the study's folder, such as {@code 3-design/prompts.json}
     * @throws FileException if it cannot be read
     */
    public byte[] bytes(String path) {
        try (FileInput input = FileInput.open(folder.resolve(path), InputErrors.INSTANCE)) {
            return input.readAll(MAX_BYTES);
        }
    }

    /** The JSON object in a file. */
    Json json(String path) {
        return Json.readObject(InputErrors.INSTANCE, folder.resolve(path).toString(), bytes(path));
    }

    /**
     * A table of values by prompt.
     *
     * @param path without its ending, such as {@code 5-held-out/claims}
     */
    public StudyTable table(String path) {
        return StudyTable.read(folder.resolve(path + ".safetensors"));
    }

    /** The names of a finished phase's files, in order; empty if the phase is not finished. */
    public List<String> names(String phase) {
        Path of = folder.resolve(phase);
        if (!Files.isDirectory(of, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(of)) {
            return files.map(file -> Objects.requireNonNull(file.getFileName()).toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw FileException.reading(of, e);
        }
    }

    @Override
    public String toString() {
        return "study in " + folder;
    }
}
