package dev.hyaline.explorer.plot;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/** Values after each step of a search as lines, the steps' names below, and a line at one of them. */
public final class StepPlot implements Picture {
    /** More steps than this cannot be told apart. */
    public static final int MAX_STEPS = 600;

    private static final int LEFT = 56;
    private static final int TOP = 40;
    private static final int PLOT = 200;
    private static final int[] COLOURS = {PlotScale.BLUE, PlotScale.ORANGE, PlotScale.GREEN, PlotScale.PURPLE};

    /**
     * A line.
     *
     * @param values one for each step; NaN where there is none
     */
    public record StepLine(String name, double[] values) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    private final String quantity;
    private final List<String> steps;
    private final List<StepLine> lines;
    private final int marked;
    private final String said;
    private final double[] bounds;
    private final PlotScale scale;

    private StepPlot(
            String quantity, List<String> steps, List<StepLine> lines, int marked, String said, double[] bounds) {
        this.quantity = quantity;
        this.steps = List.copyOf(steps);
        this.lines = List.copyOf(lines);
        this.marked = marked;
        this.said = said;
        this.bounds = bounds;
        List<double[]> shown = new ArrayList<>(List.of(bounds, new double[] {0}));
        lines.forEach(line -> shown.add(line.values));
        scale = PlotScale.of(shown.stream().flatMapToDouble(DoubleStream::of).toArray(), TOP + PLOT, TOP);
    }

    /**
     * Lays a plot out.
     *
     * @param quantity what the lines show, with its unit
     * @param steps names of the steps
     * @param marked the last step before which a line stands; the number of steps for none
     * @param said words at that line
     * @param bounds values at which lines run across
     * @throws BadInputException if there is no step or line, more than can be told apart, or lines of other lengths
     */
    public static StepPlot of(
            String quantity, List<String> steps, List<StepLine> lines, int marked, String said, double... bounds) {
        if (steps.isEmpty() || steps.size() > MAX_STEPS || lines.isEmpty() || lines.size() > COLOURS.length) {
            throw new BadInputException("a plot of steps has from 1 to " + MAX_STEPS + " steps and from 1 to "
                    + COLOURS.length + " lines, found " + steps.size() + " and " + lines.size());
        }
        if (lines.stream().anyMatch(line -> line.values.length != steps.size())) {
            throw new BadInputException("every line of a plot has a value for each of its " + steps.size() + " steps");
        }
        if (marked < 0 || marked > steps.size()) {
            throw new BadInputException("the marked step is from 0 to " + steps.size() + ", found " + marked);
        }
        return new StepPlot(quantity, steps, lines, marked, said, bounds.clone());
    }

    @Override
    public int width() {
        return PlotScale.WIDTH;
    }

    @Override
    public int height() {
        int longest = steps.stream().mapToInt(String::length).max().orElseThrow();
        return TOP + PLOT + 18 + (int) (Math.min(longest, 16) * 6.5);
    }

    @Override
    public void draw(Canvas canvas) {
        double right = PlotScale.WIDTH - 16;
        PlotScale across = new PlotScale(-0.5, steps.size() - 0.5, LEFT, right);
        scale.drawUp(canvas, LEFT, right, quantity, 6);
        for (double bound : bounds) {
            canvas.line(LEFT, scale.at(bound), right, scale.at(bound), 1.2, Canvas.PALE_INK, "");
        }
        int every = Math.ceilDiv(steps.size() * 14, (int) (right - LEFT));
        for (int step = 0; step < steps.size(); step += every) {
            canvas.text(
                    across.at(step) + 4,
                    TOP + PLOT + 8,
                    PlotScale.cut(steps.get(step), 16 * 6.5),
                    PlotScale.SMALL_FONT,
                    Anchor.END,
                    true,
                    Canvas.INK);
        }
        if (marked < steps.size()) {
            double x = across.at(marked - 0.5);
            canvas.line(x, TOP - 6, x, TOP + PLOT, 1.4, Canvas.INK, "");
            boolean before = x > PlotScale.WIDTH / 2.0;
            canvas.text(
                    x + (before ? -6 : 6),
                    TOP - 10,
                    said,
                    PlotScale.SMALL_FONT,
                    before ? Anchor.END : Anchor.START,
                    false,
                    Canvas.INK);
        }
        double legend = LEFT;
        for (int l = 0; l < lines.size(); l++) {
            StepLine line = lines.get(l);
            if (lines.size() > 1) {
                canvas.rectangle(legend, 10, 18, 3, COLOURS[l], "");
                canvas.text(legend + 23, 16, line.name, PlotScale.FONT, Anchor.START, false, Canvas.INK);
                legend += 46 + PlotScale.width(line.name);
            }
            line(canvas, across, line, COLOURS[l]);
        }
    }

    private void line(Canvas canvas, PlotScale across, StepLine line, int colour) {
        for (int step = 0; step < steps.size(); step++) {
            double value = line.values[step];
            if (!Double.isFinite(value)) {
                continue;
            }
            if (step > 0 && Double.isFinite(line.values[step - 1])) {
                canvas.line(
                        across.at(step - 1),
                        scale.at(line.values[step - 1]),
                        across.at(step),
                        scale.at(value),
                        2,
                        colour,
                        "");
            }
            canvas.dot(
                    across.at(step),
                    scale.at(value),
                    steps.size() > 100 ? 1.5 : 3,
                    colour,
                    String.format(Locale.ROOT, "%s, %s: %.3g", steps.get(step), line.name, value));
        }
    }

    @Override
    public String toString() {
        return quantity + " by step";
    }
}
