package dev.hyaline.analysis.table;

import dev.hyaline.analysis.picture.AxisTicks;
import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A picture of a table of one axis: a bar for each mean from what is neutral, or from 0, red above and blue below, with
 * a line of one standard error to either side. The scale ends where bars and lines end.
 */
public final class BarChart implements Picture {
    private static final int MAX_ROWS = 250;
    private static final int MARGIN = Heading.MARGIN;
    private static final int FONT = Heading.FONT;
    private static final int BELOW_HEADING = 16;
    private static final int ROW = 20;
    private static final int BAR = 13;
    private static final int PLOT = 420;
    private static final int FIGURE_SPACE = 70;
    private static final int MAX_LABEL_LENGTH = 32;
    private static final int TICKS = 5;
    private static final ColourScale COLOURS = ColourScale.around0(1);

    private final ResultTable table;
    private final Heading heading;
    private final List<String> labels;
    private final double[] values;
    private final double from;
    private final double low;
    private final double high;
    private final Rounding rounding;
    private final int left;
    private final int top;

    private BarChart(ResultTable table) {
        if (!fits(table)) {
            throw new BadInputException("bars are of a table of one axis and at most " + MAX_ROWS + " cells, found "
                    + table.axes().size() + " axes and " + table.cells() + " cells");
        }
        this.table = table;
        heading = table.heading();
        labels = table.axes().getFirst().labels();
        values = table.shown();
        from = table.shownNeutral().orElse(0);
        double least = from;
        double most = from;
        for (int cell = 0; cell < values.length; cell++) {
            if (Double.isFinite(values[cell])) {
                least = Math.min(least, values[cell] - error(cell));
                most = Math.max(most, values[cell] + error(cell));
            }
        }
        low = least;
        high = most > least ? most : least + 1;
        rounding = Rounding.of(values, 3);
        int longest = labels.stream()
                .mapToInt(label -> shortened(label).length())
                .max()
                .orElse(0);
        left = MARGIN + FONT + 16 + (int) (longest * Heading.CHARACTER * FONT);
        top = heading.bottom() + BELOW_HEADING;
    }

    /**
     * Lays a picture out.
     *
     * @throws BadInputException if the table has several axes or too many cells
     */
    public static BarChart of(ResultTable table) {
        return new BarChart(table);
    }

    /** Returns whether a table has one axis and so few cells that a picture of bars can be read. */
    public static boolean fits(ResultTable table) {
        return table.axes().size() == 1 && table.cells() <= MAX_ROWS;
    }

    private double error(int cell) {
        double error = table.shownError(cell);
        return Double.isFinite(error) ? error : 0;
    }

    @Override
    public int width() {
        return Math.max(left + PLOT + FIGURE_SPACE, heading.width()) + MARGIN;
    }

    @Override
    public int height() {
        return bottom() + 8 + FONT + MARGIN;
    }

    private int bottom() {
        return top + labels.size() * ROW;
    }

    private double x(double value) {
        return left + PLOT * (value - low) / (high - low);
    }

    @Override
    public void draw(Canvas canvas) {
        heading.draw(canvas);
        scale(canvas);
        for (int cell = 0; cell < values.length; cell++) {
            bar(canvas, cell);
        }
        canvas.text(
                MARGIN + FONT - 2,
                (top + bottom()) / 2.0,
                table.axes().getFirst().name(),
                FONT,
                Anchor.MIDDLE,
                true,
                Canvas.PALE_INK);
        canvas.rectangle(x(from) - 0.5, top, 1, bottom() - top, Canvas.PALE_INK, "");
    }

    /** Draws round values of the scale. */
    private void scale(Canvas canvas) {
        double step = AxisTicks.step(high - low, TICKS);
        double[] ticks = LongStream.rangeClosed(
                        (long) Math.ceil(low / step - 1e-9), (long) Math.floor(high / step + 1e-9))
                .mapToDouble(at -> at * step)
                .toArray();
        Rounding ofTicks = Rounding.of(ticks, Math.max(1, digits(ticks, step)));
        for (double tick : ticks) {
            canvas.rectangle(x(tick) - 0.5, top, 1, bottom() - top, Canvas.GRID, "");
            canvas.text(x(tick), bottom() + 6 + FONT, ofTicks.text(tick), FONT, Anchor.MIDDLE, false, Canvas.PALE_INK);
        }
    }

    /** The significant digits that tell ticks apart. */
    private static int digits(double[] ticks, double step) {
        double largest = Arrays.stream(ticks).map(Math::abs).max().orElse(0);
        return largest == 0 ? 1 : 1 + (int) (Math.floor(Math.log10(largest)) - Math.floor(Math.log10(step)));
    }

    private void bar(Canvas canvas, int cell) {
        double middle = top + cell * ROW + ROW / 2.0;
        canvas.text(left - 6, middle + 0.35 * FONT, shortened(labels.get(cell)), FONT, Anchor.END, false, Canvas.INK);
        double value = values[cell];
        double figureX = left + PLOT + 8;
        if (!Double.isFinite(value)) {
            canvas.text(figureX, middle + 0.35 * FONT, "-", FONT, Anchor.START, false, Canvas.INK);
            return;
        }
        double begin = Math.min(x(from), x(value));
        canvas.rectangle(
                begin,
                middle - BAR / 2.0,
                Math.max(x(from), x(value)) - begin,
                BAR,
                COLOURS.rgb(Math.signum(value - from)),
                labels.get(cell) + ": " + HeatMap.figure(value)
                        + (error(cell) > 0 ? " ± " + HeatMap.figure(error(cell)) : ""));
        if (error(cell) > 0) {
            canvas.line(x(value - error(cell)), middle, x(value + error(cell)), middle, 1.5, Canvas.INK, "");
        }
        canvas.text(figureX, middle + 0.35 * FONT, rounding.text(value), FONT, Anchor.START, false, Canvas.INK);
    }

    private static String shortened(String label) {
        return label.length() <= MAX_LABEL_LENGTH ? label : label.substring(0, MAX_LABEL_LENGTH - 1) + "…";
    }

    @Override
    public String toString() {
        return "bar chart of " + table.title();
    }
}
