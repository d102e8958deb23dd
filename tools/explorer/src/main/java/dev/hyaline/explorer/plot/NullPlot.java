package dev.hyaline.explorer.plot;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.stream.DoubleStream;

/** What controls gave, as a histogram, and a line at what was observed. */
public final class NullPlot implements Picture {
    private static final int HEIGHT = 230;
    private static final int TOP = 40;
    private static final int BOTTOM = HEIGHT - 46;
    private static final int LEFT = 52;
    private static final int BINS = 40;

    private final String quantity;
    private final double[] draws;
    private final double observed;
    private final String said;
    private final PlotScale scale;

    private NullPlot(String quantity, double[] draws, double observed, String said) {
        this.quantity = quantity;
        this.draws = draws;
        this.observed = observed;
        this.said = said;
        scale = PlotScale.of(
                DoubleStream.concat(DoubleStream.of(observed, 0), DoubleStream.of(draws))
                        .toArray(),
                LEFT,
                PlotScale.WIDTH - 16);
    }

    /**
     * Lays a plot out.
     *
     * @param quantity what was measured, with its unit
     * @param draws of the controls
     * @param observed of what is studied
     * @param said words at the line
     * @throws BadInputException if there is no draw, or a number is not finite
     */
    public static NullPlot of(String quantity, double[] draws, double observed, String said) {
        if (draws.length == 0
                || !Double.isFinite(observed)
                || !Arrays.stream(draws).allMatch(Double::isFinite)) {
            throw new BadInputException("a plot of controls needs at least one finite draw and a finite observation");
        }
        return new NullPlot(quantity, draws.clone(), observed, said);
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
        int[] counts = new int[BINS];
        double bin = (scale.high() - scale.low()) / BINS;
        for (double draw : draws) {
            counts[Math.clamp((int) ((draw - scale.low()) / bin), 0, BINS - 1)]++;
        }
        int most = Arrays.stream(counts).max().orElseThrow();
        PlotScale up = new PlotScale(0, most * 1.05, BOTTOM, TOP);
        int ticks = Math.min(4, most);
        up.drawUp(canvas, LEFT, PlotScale.WIDTH - 16, "draws", ticks);
        scale.drawAcross(canvas, TOP, BOTTOM, quantity, 8);
        double[] edges = new double[BINS + 1];
        Arrays.setAll(edges, edge -> scale.low() + edge * bin);
        HistogramPlot.bars(canvas, counts, edges, scale, up, BOTTOM);
        double x = scale.at(observed);
        canvas.rectangle(x - 1.25, TOP - 12, 2.5, BOTTOM - TOP + 12, PlotScale.BLUE, said);
        boolean left = x > PlotScale.WIDTH / 2.0;
        canvas.text(
                x + (left ? -7 : 7),
                TOP - 8,
                said,
                PlotScale.FONT,
                left ? Anchor.END : Anchor.START,
                false,
                Canvas.INK);
    }

    @Override
    public String toString() {
        return "null distribution of " + quantity;
    }
}
