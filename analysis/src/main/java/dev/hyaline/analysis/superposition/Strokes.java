package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.table.ColourScale;
import java.util.Locale;

/** What several pictures of this package draw. */
final class Strokes {
    static final int FONT = Heading.FONT;
    static final int MARGIN = Heading.MARGIN;

    /** Lines and bars of plots, each unlike the others. */
    static final int[] COLOURS = {0x2F6FDE, 0xE08214, 0x2E8B57, 0xC71585, 0x7B3FA0, 0x008B8B, 0x8C6D1F, 0x777777};

    private static final int BAR = 12;

    private Strokes() {}

    /** A circle of four curves. */
    static void circle(Canvas canvas, double x, double y, double radius, double width, int colour) {
        double k = 0.5523 * radius;
        double[][] quarters = {
            {radius, 0, radius, k, k, radius, 0, radius},
            {0, radius, -k, radius, -radius, k, -radius, 0},
            {-radius, 0, -radius, -k, -k, -radius, 0, -radius},
            {0, -radius, k, -radius, radius, -k, radius, 0}
        };
        for (double[] quarter : quarters) {
            double[] moved = quarter.clone();
            for (int i = 0; i < moved.length; i++) {
                moved[i] += i % 2 == 0 ? x : y;
            }
            canvas.curve(moved, width, colour, "");
        }
    }

    /** A bar of the colours of values around 0, with its ends and its middle written beside it. */
    static void colourBar(Canvas canvas, double x, double top, double height, double reach, String quantity) {
        ColourScale scale = ColourScale.around0(reach);
        for (int y = 0; y < height; y++) {
            canvas.rectangle(x, top + y, BAR, 1, scale.rgb(reach * (1 - 2 * y / (height - 1))), "");
        }
        double textX = x + BAR + 5;
        canvas.text(textX, top + FONT - 2, number(reach), FONT, Anchor.START, false, Canvas.INK);
        canvas.text(textX, top + height / 2 + 4, "0", FONT, Anchor.START, false, Canvas.INK);
        canvas.text(textX, top + height, number(-reach), FONT, Anchor.START, false, Canvas.INK);
        canvas.text(x + BAR + 44, top + height / 2, quantity, FONT, Anchor.MIDDLE, true, Canvas.PALE_INK);
    }

    /** Up to three significant digits. */
    static String number(double value) {
        double size = Math.abs(value);
        if (size == 0) {
            return "0";
        }
        if (size >= 1000) {
            return String.format(Locale.ROOT, "%.0f", value);
        }
        String text = String.format(Locale.ROOT, size < 0.001 ? "%.1e" : "%.3g", value);
        return text.contains(".") && !text.contains("e")
                ? text.replaceAll("0+$", "").replaceAll("\\.$", "")
                : text;
    }
}
