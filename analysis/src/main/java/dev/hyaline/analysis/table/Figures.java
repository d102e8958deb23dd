package dev.hyaline.analysis.table;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Numbers of one cell of {@link TextColumns}, which rounds those of a column alike.
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
    public static String p(double p) {
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

    /** Formats a value with about three digits, which is enough to compare and short enough for a row. */
    public static String brief(double value) {
        if (!Double.isFinite(value)) {
            return "-";
        }
        double size = Math.abs(value);
        String text = size != 0 && (size < 5e-4 || size >= 1e5)
                ? String.format(Locale.ROOT, "%.1e", value)
                : String.format(
                        Locale.ROOT, size < 1 ? "%.3f" : size < 9.995 ? "%.2f" : size < 999.5 ? "%.1f" : "%.0f", value);
        return text.equals("-0.000") ? "0.000" : text;
    }
}
