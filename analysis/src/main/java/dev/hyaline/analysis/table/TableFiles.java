package dev.hyaline.analysis.table;

import dev.hyaline.files.PartialFile;
import dev.hyaline.instrument.FileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A table as files of one name: {@code .csv}, {@code .json}, and of a table small enough to be seen {@code .svg} and
 * {@code .png}. Each appears whole or not at all.
 */
public final class TableFiles {
    private TableFiles() {}

    /** The files that a table of a name may have. */
    public static List<Path> files(Path folder, String name) {
        return List.of("csv", "json", "svg", "png").stream()
                .map(type -> folder.resolve(name + "." + type))
                .toList();
    }

    /** Makes a folder if it is not there. */
    public static void createFolder(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /**
     * Writes a table, replacing files of the same names.
     *
     * @return what was written
     * @throws FileException if the folder cannot be made or written to
     */
    public static List<Path> write(Path folder, String name, ResultTable table) {
        List<Path> files = files(folder, name);
        Map<Path, byte[]> contents = new LinkedHashMap<>();
        contents.put(files.get(0), TableText.csv(table).getBytes(StandardCharsets.UTF_8));
        contents.put(files.get(1), TableText.json(table).getBytes(StandardCharsets.UTF_8));
        if (HeatMap.fits(table)) {
            HeatMap map = HeatMap.of(table);
            contents.put(files.get(2), map.svg().getBytes(StandardCharsets.UTF_8));
            contents.put(files.get(3), map.png());
        }
        createFolder(folder);
        contents.forEach(TableFiles::write);
        return List.copyOf(contents.keySet());
    }

    private static void write(Path file, byte[] content) {
        try {
            PartialFile.write(file, content);
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }
}
