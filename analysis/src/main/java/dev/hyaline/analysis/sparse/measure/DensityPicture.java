package dev.hyaline.analysis.sparse.measure;

import dev.hyaline.analysis.picture.AxisTicks;
import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.Locale;

/**
 * A histogram of how often latents fire, by the logarithm of the share of tokens; those that never do have a bar of
 * their own on the left. The first bin of the others begins at one token.
 */
public final class DensityPicture implements Picture {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 320;
    private static final int LEFT = 62;
    private static final int RIGHT = 24;
    private static final int TOP = 60;
    private static final int BOTTOM = 54;
    private static final int BAR = 0x2F6FDE;
    private static final int DEAD_BAR = 0x999999;
    private static final int FONT = 11;
    private static final int BINS_PER_DECADE = 5;

    private final String title;
    private final String origin;
    private final double tokens;
    private final int[] counts;
    private final double step;
    private final double most;

    private DensityPicture(String title, String origin, double tokens, int[] counts) {
        this.title = title;
        this.origin = origin;
        this.tokens = tokens;
        this.counts = counts;
        int largest = 1;
        for (int count : counts) {
            largest = Math.max(largest, count);
        }
        step = Math.max(1, AxisTicks.step(largest, 4));
        most = Math.ceil(largest / step) * step;
    }

    /**
     * Lays a histogram out.
     *
     * @param origin what the latents are of and were measured on, in words
     * @param densities share of tokens that fired each latent, from 0 to 1
     * @param tokens that were counted: the least share that can be seen is one of them
     * @throws BadInputException if a density is no share
     */
    public static DensityPicture of(String title, String origin, float[] densities, long tokens) {
        double counted = Math.max(10.0, (double) tokens);
        int[] counts = new int[1 + (int) Math.ceil(Math.log10(counted) * BINS_PER_DECADE)];
        for (float density : densities) {
            if (!(density >= 0 && density <= 1)) {
                throw new BadInputException("a density is a share of tokens, found " + density);
            }
            double place = Math.log10(density * counted) * BINS_PER_DECADE;
            counts[density == 0 ? 0 : 1 + Math.clamp((int) place, 0, counts.length - 2)]++;
        }
        return new DensityPicture(title, origin, counted, counts);
    }

    /** Latents that never fire, then those of each bin, the rarest first; a copy. */
    public int[] counts() {
        return counts.clone();
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
        canvas.text(14, 24, title, 14, Anchor.START, false, Canvas.INK);
        canvas.text(14, 42, origin, FONT, Anchor.START, false, Canvas.PALE_INK);
        for (double tick = 0; tick <= most; tick += step) {
            double y = y(tick);
            canvas.rectangle(LEFT, y, WIDTH - LEFT - RIGHT, 0.8, Canvas.GRID, "");
            canvas.text(LEFT - 6, y + 4, String.valueOf((long) tick), FONT, Anchor.END, false, Canvas.INK);
        }
        double width = (WIDTH - LEFT - RIGHT) / (counts.length + 1.0);
        for (int bin = 0; bin < counts.length; bin++) {
            double x = x(bin, width);
            double y = y(counts[bin]);
            int colour = bin == 0 ? DEAD_BAR : BAR;
            canvas.rectangle(x, y, width * 0.9, HEIGHT - BOTTOM - y, colour, counts[bin] + " latents " + range(bin));
        }
        canvas.text(x(0, width) + width / 2, HEIGHT - BOTTOM + 16, "never", FONT, Anchor.MIDDLE, false, Canvas.INK);
        double first = x(1, width);
        canvas.text(first, HEIGHT - BOTTOM + 16, "1 token", FONT, Anchor.START, false, Canvas.INK);
        for (int decade = 0; tokens * Math.pow(10, -decade) > 1; decade++) {
            double x = first + Math.log10(tokens * Math.pow(10, -decade)) * BINS_PER_DECADE * width;
            if (x - first > 60) {
                String share = decade == 0 ? "1" : "1e-" + decade;
                canvas.text(x, HEIGHT - BOTTOM + 16, share, FONT, Anchor.MIDDLE, false, Canvas.INK);
            }
        }
        canvas.text(
                (LEFT + WIDTH - RIGHT) / 2.0,
                HEIGHT - 14,
                "share of tokens",
                FONT,
                Anchor.MIDDLE,
                false,
                Canvas.PALE_INK);
        canvas.text(18, (TOP + HEIGHT - BOTTOM) / 2.0, "latents", FONT, Anchor.MIDDLE, true, Canvas.PALE_INK);
    }

    private String range(int bin) {
        return bin == 0
                ? "never fire"
                : String.format(
                        Locale.ROOT,
                        "fire on %.2g to %.2g of tokens",
                        Math.pow(10, (bin - 1.0) / BINS_PER_DECADE) / tokens,
                        Math.pow(10, (double) bin / BINS_PER_DECADE) / tokens);
    }

    /** The bar of those that never fire stands apart. */
    private static double x(int bin, double width) {
        return LEFT + (bin == 0 ? 0 : bin + 1) * width;
    }

    private double y(double count) {
        return HEIGHT - BOTTOM - count / most * (HEIGHT - TOP - BOTTOM);
    }

    @Override
    public String toString() {
        return "picture of densities: " + title;
    }
}
