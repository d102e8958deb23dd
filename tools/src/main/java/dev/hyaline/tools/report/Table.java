package dev.hyaline.tools.report;

import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.EscapedText;
import dev.hyaline.tools.terminal.ScreenWidth;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows of text in aligned columns; the first row is the heading. */
public final class Table {
    private static final String GAP = "  ";

    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();

    /** @param headings of the columns; a heading that begins with {@code >} aligns its column to the right */
    public Table(String... headings) {
        right = new boolean[headings.length];
        for (int c = 0; c < headings.length; c++) {
            right[c] = headings[c].startsWith(">");
        }
        rows.add(Arrays.stream(headings)
                .map(heading -> heading.startsWith(">") ? heading.substring(1) : heading)
                .toArray(String[]::new));
    }

    public void row(String... cells) {
        rows.add(Arrays.stream(cells).map(EscapedText::plain).toArray(String[]::new));
    }

    public void print(Console console) {
        PrintWriter out = console.out();
        int[] widths = new int[right.length];
        for (String[] row : rows) {
            for (int c = 0; c < widths.length; c++) {
                widths[c] = Math.max(widths[c], ScreenWidth.of(row[c]));
            }
        }
        for (int r = 0; r < rows.size(); r++) {
            StringBuilder line = new StringBuilder();
            for (int c = 0; c < widths.length; c++) {
                String cell = rows.get(r)[c];
                String blanks = " ".repeat(widths[c] - ScreenWidth.of(cell));
                line.append(c == 0 ? "" : GAP).append(right[c] ? blanks + cell : cell + blanks);
            }
            String text = line.toString().stripTrailing();
            out.println(r == 0 ? console.bold(text) : text);
        }
    }
}
