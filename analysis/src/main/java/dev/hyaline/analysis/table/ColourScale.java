package dev.hyaline.analysis.table;

import java.util.Arrays;

/**
 * Colours of a table's means. With a neutral value: white there, red above, blue below, as deep on either side for the
 * same distance. Without: from white at the smallest to blue at the largest. What is not a number is grey.
 */
public final class ColourScale {
    private static final int[] WHITE = {255, 255, 255};
    private static final int[] RED = {178, 20, 45};
    private static final int[] BLUE = {28, 92, 171};
    private static final int GREY = 0xDDDDDD;

    private final boolean diverging;
    private final double low;
    private final double high;

    private ColourScale(boolean diverging, double low, double high) {
        this.diverging = diverging;
        this.low = low;
        this.high = high;
    }

    public static ColourScale of(ResultTable table) {
        double[] finite = Arrays.stream(table.means()).filter(Double::isFinite).toArray();
        double least = Arrays.stream(finite).min().orElse(0);
        double most = Arrays.stream(finite).max().orElse(1);
        if (table.neutral().isPresent()) {
            double neutral = table.neutral().getAsDouble();
            double reach = Math.max(Math.max(most - neutral, neutral - least), Double.MIN_NORMAL);
            return new ColourScale(true, neutral - reach, neutral + reach);
        }
        return new ColourScale(false, least, most > least ? most : least + 1);
    }

    /** The value at the scale's lower end. */
    public double low() {
        return low;
    }

    /** The value at the scale's upper end. */
    public double high() {
        return high;
    }

    /** Red, green and blue, eight bits each, red highest. */
    public int rgb(double value) {
        if (!Double.isFinite(value)) {
            return GREY;
        }
        double share = Math.clamp((value - low) / (high - low), 0, 1);
        if (!diverging) {
            return between(BLUE, share);
        }
        return share < 0.5 ? between(BLUE, 1 - 2 * share) : between(RED, 2 * share - 1);
    }

    /** Whether text on a colour should be white. */
    public static boolean isDark(int rgb) {
        return 0.299 * (rgb >> 16 & 255) + 0.587 * (rgb >> 8 & 255) + 0.114 * (rgb & 255) < 140;
    }

    private static int between(int[] colour, double share) {
        int rgb = 0;
        for (int i = 0; i < 3; i++) {
            rgb = rgb << 8 | (int) Math.round(WHITE[i] + share * (colour[i] - WHITE[i]));
        }
        return rgb;
    }
}
