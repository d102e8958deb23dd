package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.table.ColourScale;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Toy models side by side: the matrix {@code W^T W} that each multiplies its input by, beside it the bias, and below it
 * the length of each feature, coloured by how much others overlap with it, {@code sum_j (W_j . W_i / |W_i|)^2}. From
 * dense to sparse features, as in Elhage et al. 2022.
 */
public final class ToyStripPicture implements Picture {
    /** Most features of a model that can be told apart. */
    public static final int MAX_FEATURES = 100;

    private static final int PANEL = 150;
    private static final int GAP = 30;
    private static final int COLUMNS = 6;
    private static final int BIAS = 10;
    private static final int TOP = 78;
    private static final int BARS = 56;
    private static final int ROW = PANEL + BARS + 62;
    private static final int ALONE = 0x2F4B7C;
    private static final int CROWDED = 0xF2B134;

    private final String title;
    private final List<TrainedToy> toys;
    private final double reach;

    private ToyStripPicture(String title, List<TrainedToy> toys) {
        this.title = title;
        this.toys = toys;
        double largest = 1e-9;
        for (TrainedToy toy : toys) {
            for (double value : toy.model().geometry().gram()) {
                largest = Math.max(largest, Math.abs(value));
            }
            for (float value : toy.model().bias()) {
                largest = Math.max(largest, Math.abs(value));
            }
        }
        reach = largest;
    }

    /**
     * Lays models out, in the order in which they are given.
     *
     * @throws BadInputException if there is none, or one has more than {@value #MAX_FEATURES} features
     */
    public static ToyStripPicture of(String title, List<TrainedToy> toys) {
        if (toys.isEmpty()) {
            throw new BadInputException("a picture of toy models needs at least one");
        }
        for (TrainedToy toy : toys) {
            if (toy.model().features() > MAX_FEATURES) {
                throw new BadInputException("a picture shows at most " + MAX_FEATURES + " features of a model, found "
                        + toy.model().features());
            }
        }
        return new ToyStripPicture(title, List.copyOf(toys));
    }

    private int columns() {
        return Math.min(COLUMNS, toys.size());
    }

    @Override
    public int width() {
        return Math.max(560, Strokes.MARGIN + 24 + columns() * (PANEL + 4 + BIAS + GAP) + 70);
    }

    @Override
    public int height() {
        return TOP + Math.ceilDiv(toys.size(), COLUMNS) * ROW + 20;
    }

    @Override
    public void draw(Canvas canvas) {
        ToySetting first = toys.getFirst().setting();
        Heading.of(
                        title,
                        String.format(
                                Locale.ROOT,
                                "%d features in %d dimensions, p: probability that a feature is present; above WᵀW and"
                                        + " the bias, below |Wᵢ|",
                                first.features(),
                                first.hidden()))
                .draw(canvas);
        for (int i = 0; i < toys.size(); i++) {
            double x = Strokes.MARGIN + 24 + i % COLUMNS * (double) (PANEL + 4 + BIAS + GAP);
            double y = TOP + Math.floorDiv(i, COLUMNS) * (double) ROW;
            panel(canvas, toys.get(i), x, y);
        }
        double barX = Strokes.MARGIN + 24 + columns() * (double) (PANEL + 4 + BIAS + GAP) - 8;
        Strokes.colourBar(canvas, barX, TOP, PANEL, reach, "WᵀW, bias");
        legend(canvas);
    }

    private void panel(Canvas canvas, TrainedToy toy, double x, double top) {
        ColourScale scale = ColourScale.around0(reach);
        int n = toy.model().features();
        double cell = (double) PANEL / n;
        double[] gram = toy.model().geometry().gram();
        float[] bias = toy.model().bias();
        canvas.text(
                x,
                top - 7,
                "p = " + Strokes.number(toy.setting().density()),
                Strokes.FONT + 1,
                Anchor.START,
                false,
                Canvas.INK);
        canvas.text(x + PANEL + 4 + BIAS / 2.0, top - 7, "b", Strokes.FONT, Anchor.MIDDLE, false, Canvas.PALE_INK);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                String tooltip = String.format(Locale.ROOT, "features %d and %d: %.3f", i, j, gram[i * n + j]);
                canvas.rectangle(x + j * cell, top + i * cell, cell, cell, scale.rgb(gram[i * n + j]), tooltip);
            }
            canvas.rectangle(
                    x + PANEL + 4,
                    top + i * cell,
                    BIAS,
                    cell,
                    scale.rgb(bias[i]),
                    String.format(Locale.ROOT, "bias %d: %.3f", i, bias[i]));
        }
        frame(canvas, x, top, PANEL, PANEL);
        frame(canvas, x + PANEL + 4, top, BIAS, PANEL);
        canvas.text(x - 6, top + PANEL / 2.0, "feature", Strokes.FONT - 1, Anchor.MIDDLE, true, Canvas.PALE_INK);
        double[] norms = toy.model().geometry().norms();
        double floor = top + PANEL + 14 + BARS;
        double unit = BARS / Math.max(1.3, Arrays.stream(norms).max().orElse(1));
        canvas.line(x, floor - unit, x + PANEL, floor - unit, 0.8, Canvas.GRID, "");
        canvas.text(x - 4, floor - unit + 4, "1", Strokes.FONT - 1, Anchor.END, false, Canvas.PALE_INK);
        for (int i = 0; i < n; i++) {
            double overlap = 0;
            for (int j = 0; j < n; j++) {
                overlap += i == j || norms[i] == 0 ? 0 : gram[i * n + j] * gram[i * n + j] / (norms[i] * norms[i]);
            }
            double height = norms[i] * unit;
            canvas.rectangle(
                    x + i * cell,
                    floor - height,
                    cell * 0.86,
                    height,
                    colour(overlap),
                    String.format(Locale.ROOT, "feature %d: length %.3f, overlap %.3f", i, norms[i], overlap));
        }
        canvas.line(x, floor, x + PANEL, floor, 0.8, Canvas.PALE_INK, "");
    }

    private static void frame(Canvas canvas, double x, double y, double width, double height) {
        canvas.line(x, y, x + width, y, 0.6, Canvas.PALE_INK, "");
        canvas.line(x, y + height, x + width, y + height, 0.6, Canvas.PALE_INK, "");
        canvas.line(x, y, x, y + height, 0.6, Canvas.PALE_INK, "");
        canvas.line(x + width, y, x + width, y + height, 0.6, Canvas.PALE_INK, "");
    }

    /** From a feature by itself to one whose direction is as full of others as of itself. */
    private static int colour(double overlap) {
        double share = Math.clamp(overlap, 0, 1);
        int rgb = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int from = ALONE >> shift & 255;
            int to = CROWDED >> shift & 255;
            rgb = rgb << 8 | (int) Math.round(from + share * (to - from));
        }
        return rgb;
    }

    private void legend(Canvas canvas) {
        double y = height() - 18;
        double x = Strokes.MARGIN + 24;
        String before = "bars: length of a feature, by overlap with others:  0";
        canvas.text(x, y, before, Strokes.FONT, Anchor.START, false, Canvas.PALE_INK);
        double barX = x + before.length() * 5.6 + 8;
        for (int i = 0; i < 80; i++) {
            canvas.rectangle(barX + i, y - 9, 1, 10, colour(i / 79.0), "");
        }
        canvas.text(barX + 86, y, "1 or more", Strokes.FONT, Anchor.START, false, Canvas.PALE_INK);
    }

    @Override
    public String toString() {
        return "picture of toy models: " + title;
    }
}
