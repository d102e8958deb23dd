package dev.hyaline.tools.report;

import dev.hyaline.analysis.table.Rounding;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.EscapedText;
import dev.hyaline.tools.terminal.ScreenWidth;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows of text and numbers in aligned columns; the first row is the heading. Numbers of a column are rounded alike. */
public final class Table {
    private static final String GAP = "  ";

    private final boolean[] right;
    /** Of texts and of {@link Figures}. */
    private final List<Object[]> rows = new ArrayList<>();

    /** @param headings of the columns; a heading that begins with {@code >} aligns its column to the right */
    public Table(String... headings) {
        right = new boolean[headings.length];
        for (int c = 0; c < headings.length; c++) {
            right[c] = headings[c].startsWith(">");
        }
        rows.add(Arrays.stream(headings)
                .map(heading -> heading.startsWith(">") ? heading.substring(1) : heading)
                .toArray());
    }

    /**
     * Adds a row.
     *
     * @param cells texts, and numbers as {@link Double} or {@link Figures}
     */
    public void row(Object... cells) {
        rows.add(Arrays.stream(cells)
                .map(cell -> switch (cell) {
                    case Double number -> Figures.of(number);
                    case Figures figures -> figures;
                    default -> EscapedText.plain(cell.toString());
                })
                .toArray());
    }

    /** The rows as texts. */
    private List<String[]> texts() {
        List<String[]> texts = new ArrayList<>();
        rows.forEach(row -> texts.add(new String[right.length]));
        for (int c = 0; c < right.length; c++) {
            int column = c;
            Rounding rounding = Figures.rounding(rows.stream()
                    .filter(row -> row[column] instanceof Figures)
                    .flatMap(row -> ((Figures) row[column]).values().stream())
                    .mapToDouble(Double::doubleValue)
                    .toArray());
            for (int r = 0; r < rows.size(); r++) {
                Object cell = rows.get(r)[c];
                texts.get(r)[c] = cell instanceof Figures figures ? figures.text(rounding) : cell.toString();
            }
        }
        return texts;
    }

    public void print(Console console) {
        PrintWriter out = console.out();
        int[] widths = new int[right.length];
        List<String[]> texts = texts();
        for (String[] row : texts) {
            for (int c = 0; c < widths.length; c++) {
                widths[c] = Math.max(widths[c], ScreenWidth.of(row[c]));
            }
        }
        for (int r = 0; r < texts.size(); r++) {
            StringBuilder line = new StringBuilder();
            for (int c = 0; c < widths.length; c++) {
                String cell = texts.get(r)[c];
                String blanks = " ".repeat(widths[c] - ScreenWidth.of(cell));
                line.append(c == 0 ? "" : GAP).append(right[c] ? blanks + cell : cell + blanks);
            }
            String text = line.toString().stripTrailing();
            out.println(r == 0 ? console.bold(text) : text);
        }
    }
}
