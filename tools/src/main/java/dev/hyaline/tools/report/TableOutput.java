package dev.hyaline.tools.report;

import dev.hyaline.analysis.table.HeatMap;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.tools.terminal.Console;
import java.nio.file.Path;
import java.util.Map;

/** Writing of tables to a folder. */
public final class TableOutput {
    private TableOutput() {}

    /** Writes tables by name, and prints the names of the files unless {@code quiet}. */
    public static void write(Console console, Path folder, Map<String, ResultTable> tables, boolean quiet) {
        TableFiles.write(folder, tables);
        if (!quiet) {
            tables.forEach((name, table) -> console.out()
                    .println("Wrote " + TableFiles.files(folder, name).getFirst()
                            + (HeatMap.fits(table) ? ", .json, .svg and .png" : " and .json")));
        }
    }
}
