package dev.hyaline.explorer.plot;

import dev.hyaline.analysis.picture.AxisTicks;
import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import java.util.Arrays;
import java.util.Locale;

/** A linear scale along an axis of a plot, and what the plots of this package draw alike. */
record PlotScale(double low, double high, double from, double to) {
    static final int WIDTH = 680;
    static final int FONT = 12;
    static final int SMALL_FONT = 11;

    /** A band behind a plot; a dark page darkens it. */
    static final int BAND = 0xE9EEF6;

    /** Marks and lines, as easily seen on a light page as on a dark one. */
    static final int BLUE = 0x3B78C9;

    static final int ORANGE = 0xC96A12;
    static final int GREEN = 0x2C8F57;
    static final int PURPLE = 0x8E3A97;
    static final int GREY = 0x848B95;

    private static final double CHARACTER = 0.55;

    /**
     * A scale that holds all finite values, with some room at both ends.
     *
     * @param from place of the low end
     * @param to place of the high end
     */
    static PlotScale of(double[] values, double from, double to) {
        double[] finite = Arrays.stream(values).filter(Double::isFinite).toArray();
        double low = Arrays.stream(finite).min().orElse(0);
        double high = Arrays.stream(finite).max().orElse(1);
        if (low == high) {
            low -= 0.5;
            high += 0.5;
        }
        double room = 0.04 * (high - low);
        return new PlotScale(low - room, high + room, from, to);
    }

    double at(double value) {
        return from + (Math.clamp(value, low, high) - low) / (high - low) * (to - from);
    }

    boolean holds(double value) {
        return value >= low && value <= high;
    }

    /** Round values on it, in order. */
    double[] ticks(int wanted) {
        double step = AxisTicks.step(high - low, wanted);
        long first = (long) Math.ceil(low / step - 1e-9);
        long last = (long) Math.floor(high / step + 1e-9);
        double[] ticks = new double[(int) (last - first + 1)];
        Arrays.setAll(ticks, i -> (first + i) * step);
        return ticks;
    }

    /** A tick's value, with as many decimals as its distance from the next needs. */
    String label(double tick, int wanted) {
        double step = AxisTicks.step(high - low, wanted);
        int decimals = Math.clamp((long) -Math.floor(Math.log10(step) + 1e-9), 0, 9);
        return String.format(Locale.ROOT, "%." + decimals + "f", tick == 0 ? 0.0 : tick);
    }

    /** Draws an axis that runs to the right, and lines upwards at its ticks. */
    void drawAcross(Canvas canvas, double top, double bottom, String quantity, int wanted) {
        for (double tick : ticks(wanted)) {
            canvas.line(at(tick), top, at(tick), bottom, tick == 0 ? 1.4 : 0.8, Canvas.GRID, "");
            canvas.text(at(tick), bottom + 16, label(tick, wanted), SMALL_FONT, Anchor.MIDDLE, false, Canvas.PALE_INK);
        }
        canvas.text((from + to) / 2, bottom + 34, quantity, FONT, Anchor.MIDDLE, false, Canvas.PALE_INK);
    }

    /** Draws an axis that runs upwards, and lines to the right at its ticks. */
    void drawUp(Canvas canvas, double left, double right, String quantity, int wanted) {
        for (double tick : ticks(wanted)) {
            canvas.line(left, at(tick), right, at(tick), tick == 0 ? 1.4 : 0.8, Canvas.GRID, "");
            canvas.text(left - 6, at(tick) + 4, label(tick, wanted), SMALL_FONT, Anchor.END, false, Canvas.PALE_INK);
        }
        canvas.text(14, (from + to) / 2, quantity, FONT, Anchor.MIDDLE, true, Canvas.PALE_INK);
    }

    /** A text cut to a width. */
    static String cut(String text, double width) {
        if (width(text) <= width) {
            return text;
        }
        int most = Math.clamp((long) (width / (CHARACTER * FONT)), 1, text.length());
        return text.substring(0, most - 1) + "…";
    }

    /** A text on one or two lines of a width. */
    static String[] lines(String text, double width) {
        int most = Math.clamp((long) (width / (CHARACTER * FONT)), 1, Math.max(1, text.length()));
        if (width(text) <= width) {
            return new String[] {text};
        }
        int end = text.lastIndexOf(' ', most);
        return end <= 0
                ? new String[] {cut(text, width)}
                : new String[] {text.substring(0, end), cut(text.substring(end + 1), width)};
    }

    /** The width that a text takes, on the wide side. */
    static double width(String text) {
        double characters = text.chars()
                .mapToDouble(c -> Character.isUpperCase(c) || c == 'm' || c == 'w' ? 1.35 : 1)
                .sum();
        return characters * CHARACTER * FONT;
    }
}
