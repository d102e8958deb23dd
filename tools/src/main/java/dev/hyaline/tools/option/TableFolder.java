package dev.hyaline.tools.option;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.analysis.table.TablePicture;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.PartialFile;
import dev.hyaline.tools.terminal.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/**
 * A folder that results are written to.
 *
 * @param made what every file says of how it was made
 */
public record TableFolder(Path path, CommandRecord made) {

    /** Writes tables by name, and prints the names of the files unless {@code quiet}. */
    public void write(Console console, Map<String, ResultTable> tables, boolean quiet) {
        TableFiles.write(path, tables, made);
        if (!quiet) {
            tables.forEach((name, table) -> console.out()
                    .println("Wrote " + TableFiles.files(path, name).getFirst()
                            + (TablePicture.fits(table) ? ", .json, .svg and .png" : " and .json")));
        }
    }

    /** Writes a picture as SVG and PNG, and prints the names of the files unless {@code quiet}. */
    public void write(Console console, String name, Picture picture, boolean quiet) {
        writeFiles(Map.of(name + ".svg", picture.svg().getBytes(StandardCharsets.UTF_8), name + ".png", picture.png()));
        if (!quiet) {
            console.out().println("Wrote " + path.resolve(name + ".svg") + " and .png");
        }
    }

    /**
     * Writes files by name, and with a CSV that has no JSON of its name one file that says how all of them were made.
     */
    public void writeFiles(Map<String, byte[]> files) {
        TableFiles.createFolder(path);
        files.forEach((name, content) -> write(name, made.into(name, content)));
        if (files.keySet().stream()
                .anyMatch(name -> name.endsWith(".csv") && !files.containsKey(name.replace(".csv", ".json")))) {
            write(CommandRecord.FILE, made.file());
        }
    }

    private void write(String name, byte[] content) {
        Path file = path.resolve(name);
        try {
            PartialFile.write(file, content);
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }
}
