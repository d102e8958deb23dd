package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * How features settle as they become sparse: dimensions a feature, {@code D* = m / |W|_F^2}, against {@code 1/(1 - S)},
 * the inverse of the probability that a feature is present. A point for each feature's own dimensionality, and a line
 * at each {@link Arrangement} that they stick to.
 */
public final class DimensionalityPicture implements Picture {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 460;
    private static final int LEFT = 62;
    private static final int RIGHT = 150;
    private static final int TOP = 92;
    private static final int BOTTOM = 56;
    private static final int LINE = 0xC71585;
    private static final int POINT = 0x2F6FDE;

    private final String title;
    private final List<TrainedToy> toys;
    private final double most;

    private DimensionalityPicture(String title, List<TrainedToy> toys) {
        this.title = title;
        this.toys = toys;
        most = Math.max(1 / toys.getLast().setting().density(), 1.0 + 1e-9);
    }

    /**
     * Lays models out by density.
     *
     * @throws BadInputException if there are fewer than two
     */
    public static DimensionalityPicture of(String title, List<TrainedToy> toys) {
        if (toys.size() < 2) {
            throw new BadInputException("a plot over densities needs at least 2 models, found " + toys.size());
        }
        return new DimensionalityPicture(
                title,
                toys.stream()
                        .sorted(Comparator.comparingDouble(
                                (TrainedToy toy) -> -toy.setting().density()))
                        .toList());
    }

    @Override
    public int width() {
        return WIDTH;
    }

    @Override
    public int height() {
        return HEIGHT;
    }

    @Override
    public void draw(Canvas canvas) {
        ToySetting first = toys.getFirst().setting();
        Heading.of(
                        title,
                        first.features() + " features in " + first.hidden() + " dimensions"
                                + (first.decay() == 1 ? ", all equally important" : ""))
                .draw(canvas);
        legend(canvas);
        axes(canvas);
        for (TrainedToy toy : toys) {
            double x = x(toy);
            for (double dimensionality : toy.model().geometry().dimensionalities()) {
                canvas.rectangle(
                        x - 1.5,
                        y(dimensionality) - 1.5,
                        3,
                        3,
                        POINT,
                        String.format(
                                Locale.ROOT,
                                "p = %.3g: dimensionality %.3f",
                                toy.setting().density(),
                                dimensionality));
            }
        }
        for (int i = 0; i < toys.size(); i++) {
            double x = x(toys.get(i));
            double y = y(toys.get(i).dimensionsPerFeature());
            if (i > 0) {
                canvas.line(x(toys.get(i - 1)), y(toys.get(i - 1).dimensionsPerFeature()), x, y, 2, LINE, "");
            }
            canvas.rectangle(
                    x - 3,
                    y - 3,
                    6,
                    6,
                    LINE,
                    String.format(
                            Locale.ROOT,
                            "p = %.3g: D* = %.3f",
                            toys.get(i).setting().density(),
                            toys.get(i).dimensionsPerFeature()));
        }
    }

    private static void legend(Canvas canvas) {
        canvas.rectangle(LEFT, 63, 18, 2.5, LINE, "");
        canvas.text(
                LEFT + 24, 68, "D* = m / |W|² (dimensions a feature)", Strokes.FONT, Anchor.START, false, Canvas.INK);
        canvas.rectangle(LEFT + 262, 63, 3, 3, POINT, "");
        canvas.text(LEFT + 272, 68, "dimensionality Dᵢ of each feature", Strokes.FONT, Anchor.START, false, Canvas.INK);
    }

    private void axes(Canvas canvas) {
        for (int tenth = 0; tenth <= 10; tenth += 2) {
            String label = tenth == 10 ? "1" : tenth == 0 ? "0" : "0." + tenth;
            canvas.text(LEFT - 7, y(tenth / 10.0) + 4, label, Strokes.FONT, Anchor.END, false, Canvas.INK);
        }
        canvas.line(LEFT, y(0), WIDTH - RIGHT, y(0), 0.8, Canvas.PALE_INK, "");
        canvas.line(LEFT, y(0), LEFT, TOP, 0.8, Canvas.PALE_INK, "");
        for (Arrangement arrangement : Arrangement.values()) {
            double y = y(arrangement.dimensionality());
            canvas.line(LEFT, y, WIDTH - RIGHT, y, 0.8, 0xBBBBBB, "");
            double shift = arrangement == Arrangement.SQUARE_ANTIPRISM ? 6 : 0;
            canvas.text(
                    WIDTH - RIGHT + 6,
                    y + 4 + shift,
                    arrangement.fraction() + "  " + arrangement.title(),
                    Strokes.FONT,
                    Anchor.START,
                    false,
                    Canvas.PALE_INK);
        }
        for (double decade = 1; decade <= most * 1.0001; decade *= 10) {
            for (int digit : new int[] {1, 2, 5}) {
                double value = decade * digit;
                if (value <= most * 1.0001) {
                    double x = x(value);
                    canvas.line(x, y(0), x, y(0) + 4, 0.8, Canvas.PALE_INK, "");
                    canvas.text(
                            x,
                            HEIGHT - BOTTOM + 18,
                            Strokes.number(value),
                            Strokes.FONT,
                            Anchor.MIDDLE,
                            false,
                            Canvas.INK);
                }
            }
        }
        canvas.text(
                (LEFT + WIDTH - RIGHT) / 2.0,
                HEIGHT - 14,
                "1 / (1 − S) = 1 / p: sparser to the right",
                Strokes.FONT,
                Anchor.MIDDLE,
                false,
                Canvas.PALE_INK);
        canvas.text(
                18,
                (TOP + HEIGHT - BOTTOM) / 2.0,
                "dimensionality",
                Strokes.FONT,
                Anchor.MIDDLE,
                true,
                Canvas.PALE_INK);
    }

    private double x(TrainedToy toy) {
        return x(1 / toy.setting().density());
    }

    private double x(double inverse) {
        return LEFT + 6 + Math.log(inverse) / Math.log(most) * (WIDTH - LEFT - RIGHT - 12);
    }

    private static double y(double dimensionality) {
        return HEIGHT - BOTTOM - Math.clamp(dimensionality, 0, 1.05) / 1.05 * (HEIGHT - TOP - BOTTOM);
    }

    @Override
    public String toString() {
        return "picture of dimensionality: " + title;
    }
}
