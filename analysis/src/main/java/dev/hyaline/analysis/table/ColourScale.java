package dev.hyaline.analysis.table;

import java.util.Arrays;

/**
 * Colours of a table's means, or of their differences from what is neutral where these are shown: the redder, the
 * larger. With a neutral value: white there, red above, blue below, as deep on either side for the same distance.
 * Without: from white at the smallest to red at the largest. What is not a number is grey.
 */
public final class ColourScale {
    private static final int[] WHITE = {255, 255, 255};
    private static final int[] RED = {178, 20, 45};
    private static final int[] BLUE = {28, 92, 171};
    private static final int GREY = 0xDDDDDD;

    /** The luminance at which 1.05 / (luminance + 0.05) is (luminance + 0.05) / 0.05. */
    private static final double WHITE_IS_AS_CLEAR_AS_BLACK = 0.179;

    private final boolean diverging;
    /** The values of the deepest blue, or of white without a neutral value, and of the deepest red. */
    private final double low;

    private final double high;
    private final double least;
    private final double most;

    private ColourScale(boolean diverging, double low, double high, double least, double most) {
        this.diverging = diverging;
        this.low = low;
        this.high = high;
        this.least = least;
        this.most = most;
    }

    public static ColourScale of(ResultTable table) {
        double[] finite = Arrays.stream(table.shown()).filter(Double::isFinite).toArray();
        double least = Arrays.stream(finite).min().orElse(Double.NaN);
        double most = Arrays.stream(finite).max().orElse(Double.NaN);
        if (table.shownNeutral().isPresent()) {
            double neutral = table.shownNeutral().getAsDouble();
            double reach = Math.max(most - neutral, neutral - least);
            return new ColourScale(true, neutral - reach, neutral + reach, least, most);
        }
        return new ColourScale(false, least, most, least, most);
    }

    /** White at 0, the deepest red at {@code reach} and above, the deepest blue at {@code -reach} and below. */
    public static ColourScale around0(double reach) {
        return new ColourScale(true, -reach, reach, -reach, reach);
    }

    /** The smallest value that is shown; NaN if none is a number. */
    public double least() {
        return least;
    }

    /** The largest value that is shown; NaN if none is a number. */
    public double most() {
        return most;
    }

    /** Red, green and blue, eight bits each, red highest. */
    public int rgb(double value) {
        if (!Double.isFinite(value)) {
            return GREY;
        }
        if (!diverging) {
            return between(RED, high > low ? Math.clamp((value - low) / (high - low), 0, 1) : 0);
        }
        double share = high > low ? Math.clamp((value - low) / (high - low), 0, 1) : 0.5;
        return share < 0.5 ? between(BLUE, 1 - 2 * share) : between(RED, 2 * share - 1);
    }

    /**
     * Returns whether text on a colour should be white and not black: whichever has the larger contrast by WCAG, which
     * is above 4.5.
     */
    public static boolean isDark(int rgb) {
        double luminance =
                0.2126 * linear(rgb >> 16 & 255) + 0.7152 * linear(rgb >> 8 & 255) + 0.0722 * linear(rgb & 255);
        return luminance < WHITE_IS_AS_CLEAR_AS_BLACK;
    }

    private static double linear(int channel) {
        double share = channel / 255.0;
        return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
    }

    private static int between(int[] colour, double share) {
        int rgb = 0;
        for (int i = 0; i < 3; i++) {
            rgb = rgb << 8 | (int) Math.round(WHITE[i] + share * (colour[i] - WHITE[i]));
        }
        return rgb;
    }

    @Override
    public String toString() {
        return (diverging ? "diverging" : "sequential") + " colours from " + (float) low + " to " + (float) high;
    }
}
