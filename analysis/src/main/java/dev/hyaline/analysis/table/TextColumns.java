package dev.hyaline.analysis.table;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.EscapedText;
import dev.hyaline.files.ScreenWidth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows of text and numbers in aligned columns; the first row is the heading. Numbers of a column are rounded alike. */
public final class TextColumns {
    private static final String GAP = "  ";

    private final boolean[] right;
    /** Of texts and of {@link Figures}. */
    private final List<Object[]> rows = new ArrayList<>();

    /**
     * Columns without rows.
     *
     * @param headings of the columns; a heading that begins with {@code >} aligns its column to the right
     */
    public TextColumns(String... headings) {
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
     * @param cells one for each column: texts, and numbers as {@link Double} or {@link Figures}
     */
    public void row(Object... cells) {
        if (cells.length != right.length) {
            throw new BadInputException("a row has " + right.length + " cells, found " + cells.length);
        }
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

    /** The rows as lines of text, the heading first. */
    public List<String> lines() {
        int[] widths = new int[right.length];
        List<String[]> texts = texts();
        for (String[] row : texts) {
            for (int c = 0; c < widths.length; c++) {
                widths[c] = Math.max(widths[c], ScreenWidth.of(row[c]));
            }
        }
        List<String> lines = new ArrayList<>();
        for (String[] row : texts) {
            StringBuilder line = new StringBuilder();
            for (int c = 0; c < widths.length; c++) {
                String blanks = " ".repeat(widths[c] - ScreenWidth.of(row[c]));
                line.append(c == 0 ? "" : GAP).append(right[c] ? blanks + row[c] : row[c] + blanks);
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }
}
