package dev.hyaline.explorer.plot;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.Locale;

/** A histogram: a bar for each bin. */
public final class HistogramPlot implements Picture {
    private static final int HEIGHT = 190;
    private static final int TOP = 12;
    private static final int BOTTOM = HEIGHT - 46;
    private static final int LEFT = 64;
    private static final int RIGHT = PlotScale.WIDTH - 16;

    private final String quantity;
    private final int[] counts;
    private final double[] edges;

    private HistogramPlot(String quantity, int[] counts, double[] edges) {
        this.quantity = quantity;
        this.counts = counts;
        this.edges = edges;
    }

    /**
     * Lays a plot out.
     *
     * @param quantity what is counted by its value, with its unit
     * @param edges of the bins, in ascending order, one more than bins
     * @throws BadInputException if there is no bin
     * @throws BadShapeException if there are more or fewer edges
     */
    public static HistogramPlot of(String quantity, int[] counts, double[] edges) {
        if (counts.length == 0) {
            throw new BadInputException("a histogram needs at least one bin");
        }
        if (edges.length != counts.length + 1) {
            throw new BadShapeException(
                    "edges of a histogram",
                    (counts.length + 1) + " of " + counts.length + " bins",
                    String.valueOf(edges.length));
        }
        return new HistogramPlot(quantity, counts.clone(), edges.clone());
    }

    @Override
    public int width() {
        return PlotScale.WIDTH;
    }

    @Override
    public int height() {
        return HEIGHT;
    }

    @Override
    public void draw(Canvas canvas) {
        int most = Math.max(1, Arrays.stream(counts).max().orElseThrow());
        PlotScale up = new PlotScale(0, most * 1.05, BOTTOM, TOP);
        PlotScale across = PlotScale.of(edges, LEFT, RIGHT);
        up.drawUp(canvas, LEFT, RIGHT, "count", Math.min(4, most));
        across.drawAcross(canvas, TOP, BOTTOM, quantity, 8);
        bars(canvas, counts, edges, across, up, BOTTOM);
    }

    /** Draws a bar for each bin that is not empty. */
    static void bars(Canvas canvas, int[] counts, double[] edges, PlotScale across, PlotScale up, double bottom) {
        for (int bin = 0; bin < counts.length; bin++) {
            if (counts[bin] > 0) {
                double left = across.at(edges[bin]);
                canvas.rectangle(
                        left + 0.5,
                        up.at(counts[bin]),
                        Math.max(0.5, across.at(edges[bin + 1]) - left - 1),
                        bottom - up.at(counts[bin]),
                        PlotScale.GREY,
                        String.format(Locale.ROOT, "%.3g to %.3g: %d", edges[bin], edges[bin + 1], counts[bin]));
            }
        }
    }

    @Override
    public String toString() {
        return "histogram of " + quantity;
    }
}
