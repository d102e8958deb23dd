package dev.hyaline.tools.report;

import dev.hyaline.analysis.table.HeatMap;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.terminal.Console;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where a command's tables go besides the screen. */
public final class TableOutput {
    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = "Also write each table to this folder as CSV, JSON, and a heat map in SVG and PNG.")
    private String out;

    @Option(names = "--force", description = "Replace tables of the same names in the folder.")
    private boolean force;

    public boolean isAsked() {
        return out != null;
    }

    /**
     * The folder, made if need be.
     *
     * @param name of the table that will be written
     * @throws BadInputException if the folder holds a table of that name that is not to be replaced
     */
    public Optional<Path> folder(String name) {
        if (out == null) {
            return Optional.empty();
        }
        Path folder = ModelOptions.path("--out", out);
        for (Path file : TableFiles.files(folder, name)) {
            if (Files.exists(file) && !force) {
                throw new BadInputException(
                        file + " exists already; choose another folder, or have it replaced (--force)");
            }
        }
        TableFiles.createFolder(folder);
        return Optional.of(folder);
    }

    /** Writes a table, and says so unless a script reads. */
    public static void write(Console console, Path folder, String name, ResultTable table, boolean quiet) {
        List<Path> written = TableFiles.write(folder, name, table);
        if (!quiet) {
            console.out()
                    .println("Wrote " + written.getFirst()
                            + (HeatMap.fits(table) ? ", .json, .svg and .png" : " and .json"));
        }
    }
}
