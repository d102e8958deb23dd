package dev.hyaline.tools.report;

import dev.hyaline.analysis.table.HeatMap;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.terminal.Console;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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
     * @param names of the tables that will be written
     * @throws BadInputException if the folder holds a table of one of the names that is not to be replaced
     */
    public Optional<Path> folder(List<String> names) {
        if (out == null) {
            return Optional.empty();
        }
        Path folder = ModelOptions.path("--out", out);
        for (String name : names) {
            List<Path> there = TableFiles.finished(folder, name);
            if (!there.isEmpty() && !force) {
                throw new BadInputException(
                        there.getFirst() + " exists already; choose another folder, or have it replaced (--force)");
            }
        }
        TableFiles.createFolder(folder);
        return Optional.of(folder);
    }

    /** Writes tables by name, and says so unless a script reads. */
    public static void write(Console console, Path folder, Map<String, ResultTable> tables, boolean quiet) {
        TableFiles.write(folder, tables);
        if (!quiet) {
            tables.forEach((name, table) -> console.out()
                    .println("Wrote " + TableFiles.files(folder, name).getFirst()
                            + (HeatMap.fits(table) ? ", .json, .svg and .png" : " and .json")));
        }
    }
}
