package dev.hyaline.explorer;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.table.Rounding;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Numbers as a page shows them: three significant digits. The exact ones are in its tables and its twin. */
public final class ShownNumber {
    private static final int DIGITS = 3;

    private ShownNumber() {}

    /** A number by itself; {@code -} if it is not finite. */
    public static String of(double value) {
        return Rounding.of(new double[] {value}, DIGITS).text(value);
    }

    /** A number and its interval: {@code 10.63 (8.94 to 12.19)}. */
    public static String of(double value, @Nullable Interval interval) {
        if (interval == null) {
            return of(value);
        }
        Rounding rounding = Rounding.of(new double[] {value, interval.low(), interval.high()}, DIGITS);
        return rounding.text(value) + " (" + rounding.text(interval.low()) + " to " + rounding.text(interval.high())
                + ")";
    }

    /** A p value, which is never 0. */
    public static String pValue(double p) {
        if (!Double.isFinite(p)) {
            return "-";
        }
        return p < 1e-4 && p > 0 ? String.format(Locale.ROOT, "%.0e", p) : String.format(Locale.ROOT, "%.4f", p);
    }

    /** A share in percent. */
    public static String percent(double share) {
        return Double.isFinite(share) ? String.format(Locale.ROOT, "%.0f %%", 100 * share) : "-";
    }
}
