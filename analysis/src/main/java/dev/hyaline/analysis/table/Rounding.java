package dev.hyaline.analysis.table;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.Locale;

/**
 * One way to write all numbers of a set, chosen from the largest: with as many decimals each, or each with a power of
 * ten where the largest is very large or small. Zero is {@code 0}, and what is not a number is {@code -}.
 */
public final class Rounding {
    private static final MathContext ONE_DIGIT = new MathContext(1, RoundingMode.HALF_UP);
    /** A largest value from this power of ten to {@link #MAX_PLAIN} is written with decimals. */
    private static final int MIN_PLAIN = -3;

    private static final int MAX_PLAIN = 5;
    private static final int MAX_DECIMALS = 4;

    /** Of the largest value; what is smaller is less than the rounding error of floats. */
    private static final double MIN_SHARE = 1e-7;

    /** A smaller value that vanishes beside the largest is written with a power of ten. */
    private static final double MIN_DECIMAL = 1e-3;

    private final boolean plain;
    private final int decimals;
    /** Smaller than this is nothing beside the largest value. */
    private final double nothing;

    private final double largest;

    private Rounding(boolean plain, int decimals, double nothing, double largest) {
        this.plain = plain;
        this.decimals = decimals;
        this.nothing = nothing;
        this.largest = largest;
    }

    /**
     * The rounding of a set.
     *
     * @param values of the set; those that are not finite do not count
     * @param digits significant digits of the largest, from 1
     */
    public static Rounding of(double[] values, int digits) {
        double largest = Arrays.stream(values)
                .filter(Double::isFinite)
                .map(Math::abs)
                .max()
                .orElse(0);
        int power = largest == 0 ? 0 : (int) Math.floor(Math.log10(largest));
        if (largest != 0 && (power < MIN_PLAIN || power > MAX_PLAIN)) {
            return new Rounding(false, digits - 1, Math.pow(10, power - digits + 1) / 2, largest);
        }
        int decimals = Math.clamp((long) digits - 1 - power, 0, MAX_DECIMALS);
        return new Rounding(true, decimals, Math.pow(10, -decimals) / 2, largest);
    }

    /** Returns whether numbers have decimals rather than powers of ten. */
    boolean isPlain() {
        return plain;
    }

    /** Returns whether a value that is not zero is too small to be seen beside the largest. */
    public boolean vanishes(double value) {
        return value != 0 && Math.abs(value) < nothing;
    }

    /**
     * Writes a value. One that vanishes beside the largest has one digit of its own, {@code 0.003} or {@code 3e-4}; one
     * that is less than the rounding error of floats beside it is {@code 0}.
     */
    public String text(double value) {
        if (!Double.isFinite(value)) {
            return "-";
        }
        if (Math.abs(value) < MIN_SHARE * largest || value == 0) {
            return "0";
        }
        if (!plain) {
            return scientific(value, decimals);
        }
        if (!vanishes(value)) {
            return String.format(Locale.ROOT, "%." + decimals + "f", value);
        }
        double size = Math.abs(value);
        return size < MIN_DECIMAL
                ? scientific(value, 0)
                : String.format(
                        Locale.ROOT,
                        "%." + new BigDecimal(size).round(ONE_DIGIT).scale() + "f",
                        value);
    }

    /** Writes a value with a power of ten, without what a power need not have: {@code 3.9e-4}. */
    static String scientific(double value, int decimals) {
        return String.format(Locale.ROOT, "%." + decimals + "e", value).replaceFirst("e([+]?|(-))0*(?=\\d)", "e$2");
    }
}
