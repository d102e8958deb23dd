package dev.hyaline.analysis.table;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A picture of a table: a coloured cell for each mean, labels, a colour bar. The same drawing as SVG, whose cells tell
 * their values when pointed at, and as PNG. The figures of cells are rounded alike, and shown where they have room; one
 * that is too small to be seen beside the largest is 0.
 */
public final class HeatMap implements Picture {
    /** More than this in either direction is not a picture any more. */
    private static final int MAX_CELLS_PER_SIDE = 2500;

    /** A longer list is read as text. */
    private static final int MAX_CELLS_IN_PER_COLUMN = 250;

    private static final int MARGIN = Heading.MARGIN;
    private static final int FONT = Heading.FONT;

    /** Width of a digit, relative to its height. */
    private static final double DIGIT = 0.64;

    private static final int BELOW_HEADING = 14;
    private static final int BAR_WIDTH = 14;
    private static final int BAR_SPACE = 20 + BAR_WIDTH + 76;
    private static final int MAX_CELL_WIDTH = 46;
    private static final int MAX_WIDE_CELL_WIDTH = 320;
    private static final int RULE = 0x777777;
    private static final int MAX_LABEL_LENGTH = 24;
    private static final int WHOLE_PICTURE = 1100;

    private final ResultTable table;
    private final Heading heading;
    private final Grid grid;
    private final ColourScale scale;
    private final Rounding rounding;
    /** How cells are rounded, if they have room for figures. */
    private final @Nullable Rounding cellRounding;

    private final int cellWidth;
    private final int cellHeight;
    private final boolean rotated;
    private final int left;
    private final int top;
    private final int width;
    private final int height;

    private HeatMap(ResultTable table) {
        this.table = table;
        heading = table.heading();
        grid = Grid.of(table);
        int rows = grid.rows().size();
        int columns = grid.columns().size();
        if (!fits(grid)) {
            throw new BadInputException("a picture of " + rows + " by " + columns + " cells cannot be read; at most "
                    + MAX_CELLS_PER_SIDE + " a side, or " + MAX_CELLS_IN_PER_COLUMN + " in a single column");
        }
        scale = ColourScale.of(table);
        double[] means = table.shown();
        rounding = Rounding.of(means, 3);
        left = MARGIN + FONT + 10 + (int) (longest(grid.rows()) * Heading.CHARACTER * FONT);
        int wanted = Math.max(MAX_CELL_WIDTH, figureWidth(means, rounding));
        // A few columns are as wide as the title.
        int room = (heading.width() - left - BAR_SPACE) / columns;
        cellWidth =
                Math.clamp(WHOLE_PICTURE / columns, 2, Math.max(wanted, Math.min(room, MAX_WIDE_CELL_WIDTH / columns)));
        cellHeight = Math.clamp(WHOLE_PICTURE / rows, 2, 26);
        cellRounding = cellHeight < 14
                ? null
                : IntStream.rangeClosed(0, rounding.isPlain() ? 1 : 2)
                        .mapToObj(less -> Rounding.of(means, 3 - less))
                        .filter(r -> figureWidth(means, r) <= cellWidth)
                        .findFirst()
                        .orElse(null);
        int widest = longest(grid.columns());
        boolean labelled = !grid.columnName().isEmpty();
        rotated = labelled && widest * Heading.CHARACTER * FONT > cellWidth - 4;
        top = heading.bottom() + BELOW_HEADING;
        int below = labelled ? 24 + FONT + (rotated ? (int) (widest * Heading.CHARACTER * FONT) : FONT) : 0;
        width = Math.max(left + columns * cellWidth + BAR_SPACE, heading.width()) + MARGIN;
        height = top + Math.max(rows * cellHeight, 90) + below + MARGIN;
    }

    /** The width that cells need for their figures. */
    private static int figureWidth(double[] means, Rounding rounding) {
        int longest = Arrays.stream(means)
                .filter(Double::isFinite)
                .mapToInt(mean -> cellText(mean, rounding).length())
                .max()
                .orElse(0);
        return 4 + (int) Math.ceil(longest * DIGIT * (FONT - 1));
    }

    private static String cellText(double mean, Rounding rounding) {
        return rounding.vanishes(mean) ? "0" : rounding.text(mean);
    }

    /**
     * Lays a picture out.
     *
     * @throws BadInputException if the table is too large to be seen
     */
    public static HeatMap of(ResultTable table) {
        return new HeatMap(table);
    }

    /** Returns whether a table is small enough for a picture. */
    public static boolean fits(ResultTable table) {
        return fits(Grid.of(table));
    }

    private static boolean fits(Grid grid) {
        int rows = grid.rows().size();
        int columns = grid.columns().size();
        return Math.max(rows, columns) <= MAX_CELLS_PER_SIDE && (columns > 1 || rows <= MAX_CELLS_IN_PER_COLUMN);
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public int height() {
        return height;
    }

    @Override
    public void draw(Canvas canvas) {
        heading.draw(canvas);
        for (int row = 0; row < grid.rows().size(); row++) {
            for (int column = 0; column < grid.columns().size(); column++) {
                cell(canvas, row, column);
            }
        }
        rules(canvas);
        labels(canvas);
        colourBar(canvas);
    }

    private void cell(Canvas canvas, int row, int column) {
        int cell = grid.cells()[row][column];
        double mean = table.shown(cell);
        int colour = scale.rgb(mean);
        int x = left + column * cellWidth;
        int y = top + row * cellHeight;
        canvas.rectangle(x, y, cellWidth, cellHeight, colour, tooltip(row, column, cell));
        if (cellRounding != null && Double.isFinite(mean)) {
            int ink = ColourScale.isDark(colour) ? Canvas.PAPER : Canvas.CELL_INK;
            canvas.text(
                    x + cellWidth / 2.0,
                    y + cellHeight / 2.0 + 0.35 * (FONT - 1),
                    cellText(mean, cellRounding),
                    FONT - 1,
                    Anchor.MIDDLE,
                    false,
                    ink);
        }
    }

    private String tooltip(int row, int column, int cell) {
        double error = table.standardError(cell);
        String where = grid.columnName().isEmpty()
                ? grid.rowName() + " " + grid.rows().get(row)
                : grid.rowName() + " " + grid.rows().get(row) + ", " + grid.columnName() + " "
                        + grid.columns().get(column);
        String change = table.showsDifferences() ? " (changed by " + figure(table.shown(cell)) + ")" : "";
        return where + ": " + figure(table.mean(cell)) + (Double.isNaN(error) ? "" : " ± " + figure(error)) + change;
    }

    /** Draws lines between the steps of the outer axis, where rows are of several axes. */
    private void rules(Canvas canvas) {
        int rows = grid.rows().size();
        int outer = table.axes().stream()
                .filter(axis -> !axis.name().equals(grid.columnName()))
                .findFirst()
                .map(Axis::size)
                .orElse(rows);
        int inner = rows / outer;
        if (inner == 1 || inner * cellHeight < 8) {
            return;
        }
        for (int row = inner; row < rows; row += inner) {
            double y = top + row * cellHeight - 0.4;
            canvas.rectangle(left - 4, y, 4 + grid.columns().size() * cellWidth, 0.8, RULE, "");
        }
    }

    private void labels(Canvas canvas) {
        int bottom = top + grid.rows().size() * cellHeight;
        int everyRow = Math.ceilDiv(FONT + 1, cellHeight);
        for (int row = 0; row < grid.rows().size(); row += everyRow) {
            double y = top + row * cellHeight + cellHeight / 2.0 + 0.35 * FONT;
            canvas.text(left - 5, y, shortened(grid.rows().get(row)), FONT, Anchor.END, false, Canvas.INK);
        }
        double middleY = top + grid.rows().size() * cellHeight / 2.0;
        canvas.text(MARGIN + FONT - 2, middleY, grid.rowName(), FONT, Anchor.MIDDLE, true, Canvas.PALE_INK);
        if (grid.columnName().isEmpty()) {
            return;
        }
        int everyColumn = rotated ? Math.ceilDiv(FONT + 1, cellWidth) : 1;
        for (int column = 0; column < grid.columns().size(); column += everyColumn) {
            double x = left + column * cellWidth + cellWidth / 2.0;
            String label = shortened(grid.columns().get(column));
            if (rotated) {
                canvas.text(x + 0.35 * FONT, bottom + 5, label, FONT, Anchor.END, true, Canvas.INK);
            } else {
                canvas.text(x, bottom + 4 + FONT, label, FONT, Anchor.MIDDLE, false, Canvas.INK);
            }
        }
        double middleX = left + grid.columns().size() * cellWidth / 2.0;
        canvas.text(middleX, height - MARGIN, grid.columnName(), FONT, Anchor.MIDDLE, false, Canvas.PALE_INK);
    }

    private void colourBar(Canvas canvas) {
        double least = scale.least();
        double most = scale.most();
        if (Double.isNaN(least)) {
            return;
        }
        int x = left + grid.columns().size() * cellWidth + 20;
        int barHeight = Math.clamp((long) grid.rows().size() * cellHeight, 80, 240);
        for (int y = 0; y < barHeight; y++) {
            double share = 1 - y / (barHeight - 1.0);
            canvas.rectangle(x, top + y, BAR_WIDTH, 1, scale.rgb(least + share * (most - least)), "");
        }
        int textX = x + BAR_WIDTH + 5;
        canvas.text(textX, top + FONT - 2, barText(most), FONT, Anchor.START, false, Canvas.INK);
        if (most > least) {
            double marked = marked(least, most, barHeight);
            double y = top + barHeight * (most - marked) / (most - least);
            canvas.text(textX, y + 4, barText(marked), FONT, Anchor.START, false, Canvas.INK);
            canvas.text(textX, top + barHeight, barText(least), FONT, Anchor.START, false, Canvas.INK);
        }
    }

    /**
     * A value between the ends of the bar: the neutral one, or of values of both signs 0, if it has room between their
     * figures, or else the middle.
     */
    private double marked(double least, double most, int barHeight) {
        double neutral = table.shownNeutral().orElse(0);
        double above = barHeight * (most - neutral) / (most - least);
        double below = barHeight - above;
        // Figures of the ends lie inside the bar, that between them on both sides of its value.
        double room = 1.25 * FONT;
        return above > room && below > room ? neutral : (least + most) / 2;
    }

    /** A figure of the bar, rounded as cells are. */
    private String barText(double value) {
        return cellText(value, rounding);
    }

    private static int longest(List<String> labels) {
        return labels.stream()
                .mapToInt(label -> shortened(label).length())
                .max()
                .orElse(0);
    }

    private static String shortened(String label) {
        return label.length() <= MAX_LABEL_LENGTH ? label : label.substring(0, MAX_LABEL_LENGTH - 1) + "…";
    }

    /** Up to three significant digits, as short as they can be said. */
    static String figure(double value) {
        if (!Double.isFinite(value)) {
            return "-";
        }
        double size = Math.abs(value);
        if (size == 0) {
            return "0";
        }
        if (size < 1e-3 || size >= 1e5) {
            return Rounding.scientific(value, 1);
        }
        // Two decimals of less than this would lose all but one digit, or be zero.
        String format = size >= 99.95 ? "%.0f" : size >= 9.995 ? "%.1f" : size >= 0.0095 ? "%.2f" : "%.3f";
        return String.format(Locale.ROOT, format, value);
    }

    @Override
    public String toString() {
        return "heat map of " + table.title();
    }
}
