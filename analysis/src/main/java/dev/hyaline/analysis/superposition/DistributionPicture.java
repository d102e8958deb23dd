package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.picture.AxisTicks;
import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import java.util.List;
import java.util.Locale;

/**
 * Distributions of one quantity as outlines over one another: the share of each in bins of equal width. On a
 * logarithmic scale, where the tails can be seen, or an even one.
 */
public final class DistributionPicture implements Picture {
    private static final int WIDTH = 720;
    private static final int HEIGHT = 400;
    private static final int LEFT = 66;
    private static final int RIGHT = 24;
    private static final int TOP = 92;
    private static final int BOTTOM = 54;
    private static final double FLOOR = 1e-6;

    /**
     * One distribution.
     *
     * @param name in words
     * @param counts how much falls into each bin
     */
    public record Distribution(String name, long[] counts) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    private final String title;
    private final String origin;
    private final String quantity;
    private final double from;
    private final double to;
    private final boolean logarithmic;
    private final List<Distribution> distributions;
    private final double[][] shares;
    private final double most;
    private final double least;

    private DistributionPicture(
            String title,
            String origin,
            String quantity,
            double from,
            double to,
            boolean logarithmic,
            List<Distribution> distributions) {
        this.title = title;
        this.origin = origin;
        this.quantity = quantity;
        this.from = from;
        this.to = to;
        this.logarithmic = logarithmic;
        this.distributions = List.copyOf(distributions);
        shares = new double[distributions.size()][];
        double largest = FLOOR;
        double smallest = 1;
        for (int s = 0; s < shares.length; s++) {
            long total = 0;
            for (long count : distributions.get(s).counts()) {
                total += count;
            }
            shares[s] = new double[distributions.get(s).counts().length];
            for (int bin = 0; bin < shares[s].length; bin++) {
                shares[s][bin] = total == 0 ? 0 : (double) distributions.get(s).counts()[bin] / total;
                largest = Math.max(largest, shares[s][bin]);
                smallest = shares[s][bin] > 0 ? Math.min(smallest, shares[s][bin]) : smallest;
            }
        }
        least = logarithmic ? Math.pow(10, Math.floor(Math.log10(Math.max(FLOOR, smallest)))) : 0;
        most = logarithmic ? Math.pow(10, Math.ceil(Math.log10(largest) - 1e-9)) : 1.05 * largest;
    }

    /**
     * Lays distributions out.
     *
     * @param origin what they are of, in words
     * @param from the first bin's beginning
     * @param to the last bin's end
     * @throws BadInputException if there is none, or more than can be told apart
     * @throws BadShapeException if they differ in their number of bins
     */
    public static DistributionPicture of(
            String title,
            String origin,
            String quantity,
            double from,
            double to,
            boolean logarithmic,
            List<Distribution> distributions) {
        if (distributions.isEmpty() || distributions.size() > Strokes.COLOURS.length) {
            throw new BadInputException("a picture shows from 1 to " + Strokes.COLOURS.length + " distributions, found "
                    + distributions.size());
        }
        int bins = distributions.getFirst().counts().length;
        for (Distribution distribution : distributions) {
            if (distribution.counts().length != bins || bins == 0) {
                throw new BadShapeException(
                        "the distribution " + distribution.name(),
                        Math.max(1, bins) + " bins",
                        distribution.counts().length + " bins");
            }
        }
        return new DistributionPicture(title, origin, quantity, from, to, logarithmic, distributions);
    }

    /**
     * Counts values in bins of equal width; those outside fall into the first and the last.
     *
     * @param from the first bin's beginning
     * @param to the last bin's end
     */
    public static long[] counts(double[] values, double from, double to, int bins) {
        if (bins < 1 || bins > 10_000) {
            throw new BadInputException("a histogram has from 1 to 10000 bins, found " + bins);
        }
        long[] counts = new long[bins];
        for (double value : values) {
            if (Double.isFinite(value)) {
                counts[Math.clamp((int) Math.floor((value - from) / (to - from) * bins), 0, bins - 1)]++;
            }
        }
        return counts;
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
        Heading.of(title, origin).draw(canvas);
        double legend = LEFT;
        for (int s = 0; s < shares.length; s++) {
            String name = distributions.get(s).name();
            canvas.rectangle(legend, 63, 18, 2.5, Strokes.COLOURS[s], "");
            canvas.text(legend + 24, 68, name, Strokes.FONT, Anchor.START, false, Canvas.INK);
            legend += 48 + name.length() * 6.2;
        }
        axes(canvas);
        for (int s = 0; s < shares.length; s++) {
            outline(canvas, shares[s], Strokes.COLOURS[s]);
        }
    }

    private void axes(Canvas canvas) {
        if (logarithmic) {
            for (double value = least; value <= most * 1.01; value *= 10) {
                tick(
                        canvas,
                        value,
                        value >= 0.999 ? "1" : String.format(Locale.ROOT, "1e%d", Math.round(Math.log10(value))));
            }
        } else {
            double step = AxisTicks.step(most, 5);
            for (double value = 0; value <= most; value += step) {
                tick(canvas, value, Strokes.number(value));
            }
        }
        double step = AxisTicks.step(to - from, 8);
        for (double value = Math.ceil(from / step - 1e-9) * step; value <= to + 1e-9; value += step) {
            double x = x((value - from) / (to - from));
            canvas.line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4, 0.8, Canvas.PALE_INK, "");
            canvas.text(
                    x,
                    HEIGHT - BOTTOM + 17,
                    Strokes.number(Math.rint(value / step) * step),
                    Strokes.FONT,
                    Anchor.MIDDLE,
                    false,
                    Canvas.INK);
        }
        canvas.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, 0.8, Canvas.PALE_INK, "");
        canvas.text(
                (LEFT + WIDTH - RIGHT) / 2.0,
                HEIGHT - 14,
                quantity,
                Strokes.FONT,
                Anchor.MIDDLE,
                false,
                Canvas.PALE_INK);
        canvas.text(18, (TOP + HEIGHT - BOTTOM) / 2.0, "share", Strokes.FONT, Anchor.MIDDLE, true, Canvas.PALE_INK);
    }

    private void tick(Canvas canvas, double value, String label) {
        canvas.line(LEFT, y(value), WIDTH - RIGHT, y(value), 0.8, Canvas.GRID, "");
        canvas.text(LEFT - 6, y(value) + 4, label, Strokes.FONT, Anchor.END, false, Canvas.INK);
    }

    private void outline(Canvas canvas, double[] bins, int colour) {
        double before = y(0);
        for (int bin = 0; bin <= bins.length; bin++) {
            double y = bin < bins.length ? y(bins[bin]) : y(0);
            double x = x((double) bin / bins.length);
            if (y != before) {
                canvas.line(x, before, x, y, 1.6, colour, "");
            }
            if (bin < bins.length && bins[bin] > 0) {
                canvas.line(x, y, x((bin + 1.0) / bins.length), y, 1.6, colour, "");
            }
            before = y;
        }
    }

    private static double x(double share) {
        return LEFT + share * (WIDTH - LEFT - RIGHT);
    }

    private double y(double share) {
        double place =
                logarithmic ? share <= 0 ? 0 : Math.log10(share / least) / Math.log10(most / least) : share / most;
        return HEIGHT - BOTTOM - Math.clamp(place, 0, 1) * (HEIGHT - TOP - BOTTOM);
    }

    @Override
    public String toString() {
        return "picture of distributions: " + title;
    }
}
