package dev.hyaline.analysis.table;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.Locale;

/**
 * A picture of a table: a coloured cell for each mean, labels, a colour bar. The same drawing as SVG, whose cells tell
 * their values when pointed at, and as PNG.
 */
public final class HeatMap implements Picture {
    /** More than this in either direction is not a picture any more. */
    private static final int MAX_CELLS_PER_SIDE = 2500;

    /** A longer list is read as text. */
    private static final int MAX_CELLS_IN_PER_COLUMN = 250;

    private static final int MARGIN = 14;
    private static final int FONT = 11;
    private static final int TITLE_FONT = 14;
    /** Width of a character relative to its height: on the wide side, so that labels have room. */
    private static final double CHARACTER = 0.6;

    private static final int TITLE_HEIGHT = 46;
    private static final int BAR_WIDTH = 14;
    private static final int MAX_LABEL_LENGTH = 24;
    private static final int WHOLE_PICTURE = 1100;

    private final ResultTable table;
    private final Grid grid;
    private final ColourScale scale;
    /** What is smaller in size than this is told as zero. */
    private final double nothing;

    private final int cellWidth;
    private final int cellHeight;
    private final boolean rotated;
    private final int left;
    private final int top;
    private final int width;
    private final int height;

    private HeatMap(ResultTable table) {
        this.table = table;
        grid = Grid.of(table);
        int rows = grid.rows().size();
        int columns = grid.columns().size();
        if (!fits(grid)) {
            throw new BadInputException("a picture of " + rows + " by " + columns + " cells cannot be read; at most "
                    + MAX_CELLS_PER_SIDE + " a side, or " + MAX_CELLS_IN_PER_COLUMN + " in a single column");
        }
        scale = ColourScale.of(table);
        nothing = Math.max(Math.abs(scale.least()), Math.abs(scale.most())) / 2000;
        cellWidth = Math.clamp(WHOLE_PICTURE / columns, 2, 46);
        cellHeight = Math.clamp(WHOLE_PICTURE / rows, 2, 26);
        int widest = longest(grid.columns());
        rotated = widest * CHARACTER * FONT > cellWidth - 4;
        left = MARGIN + FONT + 10 + (int) (longest(grid.rows()) * CHARACTER * FONT);
        top = MARGIN + TITLE_HEIGHT;
        int below = 24 + FONT + (rotated ? (int) (widest * CHARACTER * FONT) : FONT);
        width = Math.max(left + columns * cellWidth + 20 + BAR_WIDTH + 76, titleWidth()) + MARGIN;
        height = top + Math.max(rows * cellHeight, 90) + below + MARGIN;
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
        canvas.text(MARGIN, MARGIN + TITLE_FONT, table.title(), TITLE_FONT, Anchor.START, false, Canvas.INK);
        canvas.text(MARGIN, MARGIN + TITLE_FONT + 18, subtitle(), FONT, Anchor.START, false, Canvas.PALE_INK);
        boolean numbers = cellWidth >= 34 && cellHeight >= 14;
        for (int row = 0; row < grid.rows().size(); row++) {
            for (int column = 0; column < grid.columns().size(); column++) {
                cell(canvas, row, column, numbers);
            }
        }
        labels(canvas);
        colourBar(canvas);
    }

    private void cell(Canvas canvas, int row, int column, boolean numbers) {
        int cell = grid.cells()[row][column];
        double mean = table.mean(cell);
        int colour = scale.rgb(mean);
        int x = left + column * cellWidth;
        int y = top + row * cellHeight;
        canvas.rectangle(x, y, cellWidth, cellHeight, colour, tooltip(row, column, cell));
        if (numbers && Double.isFinite(mean)) {
            int ink = ColourScale.isDark(colour) ? Canvas.PAPER : Canvas.INK;
            canvas.text(
                    x + cellWidth / 2.0,
                    y + cellHeight / 2.0 + 0.35 * (FONT - 1),
                    told(mean),
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
        return where + ": " + told(table.mean(cell)) + (Double.isNaN(error) ? "" : " ± " + figure(error));
    }

    private void labels(Canvas canvas) {
        int bottom = top + grid.rows().size() * cellHeight;
        int everyRow = Math.ceilDiv(FONT + 1, cellHeight);
        for (int row = 0; row < grid.rows().size(); row += everyRow) {
            double y = top + row * cellHeight + cellHeight / 2.0 + 0.35 * FONT;
            canvas.text(left - 5, y, shortened(grid.rows().get(row)), FONT, Anchor.END, false, Canvas.INK);
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
        double middleY = top + grid.rows().size() * cellHeight / 2.0;
        canvas.text(middleX, height - MARGIN, grid.columnName(), FONT, Anchor.MIDDLE, false, Canvas.PALE_INK);
        canvas.text(MARGIN + FONT - 2, middleY, grid.rowName(), FONT, Anchor.MIDDLE, true, Canvas.PALE_INK);
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
        canvas.text(textX, top + FONT - 2, told(most), FONT, Anchor.START, false, Canvas.INK);
        if (most > least) {
            double marked = marked(least, most);
            double y = top + barHeight * (most - marked) / (most - least);
            canvas.text(textX, y + 4, told(marked), FONT, Anchor.START, false, Canvas.INK);
            canvas.text(textX, top + barHeight, told(least), FONT, Anchor.START, false, Canvas.INK);
        }
    }

    /**
     * A value between the ends of the bar: the neutral one, if it has room between their figures, or else the middle.
     */
    private double marked(double least, double most) {
        double neutral = table.neutral().orElse(Double.NaN);
        double share = (neutral - least) / (most - least);
        return share > 0.2 && share < 0.8 ? neutral : (least + most) / 2;
    }

    /** A value of the picture, in which there is one zero. */
    private String told(double value) {
        return Math.abs(value) < nothing ? "0" : figure(value);
    }

    private String subtitle() {
        int samples = table.samples().size();
        return table.quantity()
                + (table.unit().isEmpty() ? "" : " (" + table.unit() + ")")
                + (samples == 1 ? "" : ", mean over " + samples);
    }

    private int titleWidth() {
        return MARGIN
                + (int) Math.max(
                        table.title().length() * CHARACTER * TITLE_FONT,
                        subtitle().length() * CHARACTER * FONT);
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
            return String.format(Locale.ROOT, "%.1e", value);
        }
        // Two decimals of less than this would lose all but one digit, or be zero.
        String format = size >= 99.95 ? "%.0f" : size >= 9.995 ? "%.1f" : size >= 0.0095 ? "%.2f" : "%.3f";
        return String.format(Locale.ROOT, format, value);
    }
}
