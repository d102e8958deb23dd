package dev.hyaline.explorer.plot;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.Tone;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Estimates with their intervals, one below the other (a forest plot), before a band of values that count as nothing
 * and lines at values to compare with.
 */
public final class IntervalPlot implements Picture {
    /** More rows than this are read as a table. */
    public static final int MAX_ROWS = 200;

    private static final int TOP = 12;
    private static final int ROW = 34;
    private static final int BOTTOM = 46;
    private static final int MAX_LABELS = 230;
    private static final int MAX_FIGURES = 220;
    private static final int HALF = 5;

    /**
     * A row.
     *
     * @param label what is estimated
     * @param estimate NaN if there is none
     * @param interval null if there is none
     * @param figures the numbers, as they are shown beside the row
     */
    public record IntervalRow(
            String label, double estimate, @Nullable Interval interval, Tone tone, String figures) {}

    private final String quantity;
    private final List<IntervalRow> rows;
    private final @Nullable Interval band;
    private final double[] marks;
    private final double labels;
    private final double figures;
    private final PlotScale scale;

    private IntervalPlot(String quantity, List<IntervalRow> rows, @Nullable Interval band, double[] marks) {
        this.quantity = quantity;
        this.rows = List.copyOf(rows);
        this.band = band;
        this.marks = marks;
        labels = Math.min(MAX_LABELS, widest(rows.stream().map(IntervalRow::label)));
        figures = Math.min(MAX_FIGURES, widest(rows.stream().map(IntervalRow::figures)));
        List<Double> shown = new ArrayList<>(List.of(0.0));
        for (IntervalRow row : rows) {
            shown.add(row.estimate);
            if (row.interval != null) {
                shown.add(row.interval.low());
                shown.add(row.interval.high());
            }
        }
        if (band != null) {
            shown.add(band.low());
            shown.add(band.high());
        }
        scale = PlotScale.of(
                DoubleStream.concat(
                                shown.stream().filter(Objects::nonNull).mapToDouble(value -> value),
                                DoubleStream.of(marks))
                        .toArray(),
                labels + 14,
                PlotScale.WIDTH - figures - 14);
    }

    /**
     * Lays a plot out.
     *
     * @param quantity what the axis shows, with its unit
     * @param band the values that count as nothing; null if there are none
     * @param marks values at which a line stands
     * @throws BadInputException if there is no row, or more than {@value #MAX_ROWS}
     */
    public static IntervalPlot of(String quantity, List<IntervalRow> rows, @Nullable Interval band, double... marks) {
        if (rows.isEmpty() || rows.size() > MAX_ROWS) {
            throw new BadInputException("a plot has from 1 to " + MAX_ROWS + " rows, found " + rows.size());
        }
        return new IntervalPlot(quantity, rows, band, marks.clone());
    }

    private static double widest(Stream<String> texts) {
        return texts.mapToDouble(PlotScale::width).max().orElse(0) + 8;
    }

    @Override
    public int width() {
        return PlotScale.WIDTH;
    }

    @Override
    public int height() {
        return TOP + ROW * rows.size() + BOTTOM;
    }

    @Override
    public void draw(Canvas canvas) {
        double bottom = TOP + ROW * rows.size();
        if (band != null) {
            double left = scale.at(band.low());
            canvas.rectangle(left, TOP, scale.at(band.high()) - left, bottom - TOP, PlotScale.BAND, "");
        }
        scale.drawAcross(canvas, TOP, bottom, quantity, 6);
        for (double mark : marks) {
            canvas.line(scale.at(mark), TOP, scale.at(mark), bottom, 1.4, Canvas.PALE_INK, "");
        }
        for (int r = 0; r < rows.size(); r++) {
            row(canvas, rows.get(r), TOP + ROW * (r + 0.5));
        }
    }

    private void row(Canvas canvas, IntervalRow row, double y) {
        String[] lines = PlotScale.lines(row.label, labels);
        for (int i = 0; i < lines.length; i++) {
            canvas.text(
                    labels,
                    y + 4 + (lines.length == 1 ? 0 : i == 0 ? -7 : 7),
                    lines[i],
                    PlotScale.FONT,
                    Anchor.END,
                    false,
                    Canvas.INK);
        }
        String tooltip = row.label + ": " + row.figures;
        int colour = colour(row.tone);
        if (row.interval != null) {
            double left = scale.at(row.interval.low());
            double right = scale.at(row.interval.high());
            canvas.line(left, y, right, y, 2, colour, tooltip);
            canvas.line(left, y - HALF, left, y + HALF, 2, colour, "");
            canvas.line(right, y - HALF, right, y + HALF, 2, colour, "");
        }
        if (Double.isFinite(row.estimate)) {
            canvas.dot(scale.at(row.estimate), y, 4.5, colour, tooltip);
        }
        canvas.text(
                PlotScale.WIDTH - figures,
                y + 4,
                PlotScale.cut(row.figures, figures),
                PlotScale.FONT,
                Anchor.START,
                false,
                Canvas.INK);
    }

    private static int colour(Tone tone) {
        return switch (tone) {
            case GOOD -> PlotScale.GREEN;
            case BAD -> PlotScale.PURPLE;
            case UNSURE -> PlotScale.ORANGE;
            case PLAIN -> PlotScale.BLUE;
        };
    }

    @Override
    public String toString() {
        return "intervals of " + quantity;
    }
}
