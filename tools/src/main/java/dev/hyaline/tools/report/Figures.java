package dev.hyaline.tools.report;

import dev.hyaline.analysis.table.Rounding;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Numbers of one cell of a {@link Table}, which rounds those of a column alike.
 *
 * @param before the text before the first
 * @param values in order, with the word {@code to} between them
 */
public record Figures(String before, List<Double> values) {
    /** A p that is not 0 and less than this is told so. */
    private static final double MIN_P = 1e-4;

    public static Figures of(double value) {
        return new Figures("", List.of(value));
    }

    public static Figures plusMinus(double value) {
        return new Figures("± ", List.of(value));
    }

    public static Figures interval(double low, double high) {
        return new Figures("", List.of(low, high));
    }

    /** Writes a p-value, or a dash for what is not a number. */
    static String p(double p) {
        if (Double.isNaN(p)) {
            return "-";
        }
        return p < MIN_P ? "<0.0001" : String.format(Locale.ROOT, "%.4f", p);
    }

    /** The rounding of a column of numbers. */
    static Rounding rounding(double[] values) {
        double largest = 0;
        for (double value : values) {
            largest = Double.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest;
        }
        return Rounding.of(values, largest >= 1 ? 4 : 3);
    }

    String text(Rounding rounding) {
        return values.stream().allMatch(Double::isFinite)
                ? before + values.stream().map(rounding::text).collect(Collectors.joining(" to "))
                : "-";
    }
}
