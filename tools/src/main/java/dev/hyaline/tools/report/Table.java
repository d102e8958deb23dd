package dev.hyaline.tools.report;

import dev.hyaline.analysis.table.Figures;
import dev.hyaline.analysis.table.TextColumns;
import dev.hyaline.tools.terminal.Console;
import java.util.List;

/** {@link TextColumns} on the screen. */
public final class Table {
    private final TextColumns columns;

    /** @param headings of the columns; a heading that begins with {@code >} aligns its column to the right */
    public Table(String... headings) {
        columns = new TextColumns(headings);
    }

    /**
     * Adds a row.
     *
     * @param cells texts, and numbers as {@link Double} or {@link Figures}
     */
    public void row(Object... cells) {
        columns.row(cells);
    }

    public void print(Console console) {
        List<String> lines = columns.lines();
        console.out().println(console.bold(lines.getFirst()));
        lines.subList(1, lines.size()).forEach(console.out()::println);
    }
}
