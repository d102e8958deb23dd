package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.Locale;

/** The features of toy models with two dimensions as vectors in the plane: from a cross to a polygon. */
public final class ToyPlanePicture implements Picture {
    private static final int PANEL = 170;
    private static final int GAP = 18;
    private static final int COLUMNS = 6;
    private static final int TOP = 84;
    private static final int ROW = PANEL + 66;

    private final String title;
    private final List<TrainedToy> toys;
    private final double reach;

    private ToyPlanePicture(String title, List<TrainedToy> toys) {
        this.title = title;
        this.toys = toys;
        double largest = 1.2;
        for (TrainedToy toy : toys) {
            for (double norm : toy.model().geometry().norms()) {
                largest = Math.max(largest, 1.08 * norm);
            }
        }
        reach = largest;
    }

    /**
     * Lays models out, in the order in which they are given.
     *
     * @throws BadInputException if there is none, or one has other than two dimensions
     */
    public static ToyPlanePicture of(String title, List<TrainedToy> toys) {
        if (toys.isEmpty()) {
            throw new BadInputException("a picture of toy models needs at least one");
        }
        for (TrainedToy toy : toys) {
            if (toy.model().hidden() != 2) {
                throw new BadInputException("a plane has 2 dimensions, found a model of "
                        + toy.model().hidden());
            }
        }
        return new ToyPlanePicture(title, List.copyOf(toys));
    }

    private int columns() {
        return Math.min(COLUMNS, toys.size());
    }

    @Override
    public int width() {
        return Math.max(560, 2 * Strokes.MARGIN + columns() * (PANEL + GAP));
    }

    @Override
    public int height() {
        return TOP + Math.ceilDiv(toys.size(), COLUMNS) * ROW + 22;
    }

    @Override
    public void draw(Canvas canvas) {
        int features = toys.getFirst().model().features();
        Heading.of(
                        title,
                        features
                                + " features in the plane, p: probability that a feature is present; grey: the circle"
                                + " of length 1")
                .draw(canvas);
        for (int i = 0; i < toys.size(); i++) {
            double x = Strokes.MARGIN + i % COLUMNS * (double) (PANEL + GAP);
            double y = TOP + Math.floorDiv(i, COLUMNS) * (double) ROW;
            panel(canvas, toys.get(i), x, y);
        }
        int shown = Math.min(features, Strokes.COLOURS.length);
        double y = height() - 16;
        canvas.text(Strokes.MARGIN, y, "feature:", Strokes.FONT, Anchor.START, false, Canvas.PALE_INK);
        for (int i = 0; i < shown; i++) {
            double x = Strokes.MARGIN + 56 + i * 40.0;
            canvas.rectangle(x, y - 8, 9, 9, Strokes.COLOURS[i], "");
            String name = features > shown && i == shown - 1 ? i + " on" : String.valueOf(i);
            canvas.text(x + 13, y, name, Strokes.FONT, Anchor.START, false, Canvas.INK);
        }
    }

    private void panel(Canvas canvas, TrainedToy toy, double x, double top) {
        double centreX = x + PANEL / 2.0;
        double centreY = top + PANEL / 2.0;
        double unit = PANEL / 2.0 / reach;
        FeatureGeometry geometry = toy.model().geometry();
        canvas.text(
                centreX,
                top - 7,
                "p = " + Strokes.number(toy.setting().density()),
                Strokes.FONT + 1,
                Anchor.MIDDLE,
                false,
                Canvas.INK);
        canvas.line(x, centreY, x + PANEL, centreY, 0.8, Canvas.GRID, "");
        canvas.line(centreX, top, centreX, top + PANEL, 0.8, Canvas.GRID, "");
        Strokes.circle(canvas, centreX, centreY, unit, 0.8, Canvas.GRID);
        float[] w = toy.model().weights();
        double[] dimensionalities = geometry.dimensionalities();
        // The first feature is drawn last: it is the most important.
        for (int i = toy.model().features() - 1; i >= 0; i--) {
            double toX = centreX + w[2 * i] * unit;
            double toY = centreY - w[2 * i + 1] * unit;
            int colour = Strokes.COLOURS[Math.min(i, Strokes.COLOURS.length - 1)];
            canvas.line(centreX, centreY, toX, toY, 2, colour, "");
            canvas.rectangle(
                    toX - 3.5,
                    toY - 3.5,
                    7,
                    7,
                    colour,
                    String.format(Locale.ROOT, "feature %d: dimensionality %.3f", i, dimensionalities[i]));
        }
        canvas.text(
                centreX,
                top + PANEL + 16,
                geometry.represented() + " of " + toy.model().features() + " represented",
                Strokes.FONT,
                Anchor.MIDDLE,
                false,
                Canvas.PALE_INK);
        canvas.text(
                centreX,
                top + PANEL + 31,
                String.format(Locale.ROOT, "loss %.4f", toy.loss()),
                Strokes.FONT,
                Anchor.MIDDLE,
                false,
                Canvas.PALE_INK);
    }

    @Override
    public String toString() {
        return "picture of toy models: " + title;
    }
}
