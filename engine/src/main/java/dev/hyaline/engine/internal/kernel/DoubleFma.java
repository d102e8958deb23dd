package dev.hyaline.engine.internal.kernel;

/**
 * The fused multiply-add of doubles, with the bits of {@link Math#fma(double, double, double)} on every machine, and
 * without {@code BigDecimal} where the processor has no such instruction.
 */
public final class DoubleFma {
    /** {@code 2^27 + 1} splits a double of 53 bits into two whose products are exact. */
    private static final double SPLIT = 0x1p27 + 1;

    /** Within these nothing overflows, and no error of a product is too small for a double. */
    private static final double MIN_FACTOR = 0x1p-400;

    private static final double MAX_FACTOR = 0x1p400;
    private static final double MIN_ADDEND = 0x1p-800;
    private static final double MAX_ADDEND = 0x1p800;

    private DoubleFma() {}

    /** {@code a * b + c}, rounded once. */
    public static double fma(double a, double b, double c) {
        return Fma.HARDWARE ? Math.fma(a, b, c) : emulated(a, b, c);
    }

    /**
     * The same by exact errors of products and sums, the last but one rounded to odd. (Boldo and Melquiond, "Emulation
     * of a FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008; the product's error by
     * Dekker's method.)
     */
    public static double emulated(double a, double b, double c) {
        if (!within(a, MIN_FACTOR, MAX_FACTOR) || !within(b, MIN_FACTOR, MAX_FACTOR)) {
            return Math.fma(a, b, c);
        }
        double product = a * b;
        if (product == 0 || c == 0) {
            return product + c;
        }
        if (!within(c, MIN_ADDEND, MAX_ADDEND)) {
            return Math.fma(a, b, c);
        }
        double productError = productError(a, b, product);
        double low = c + productError;
        double lowError = sumError(c, productError, low);
        double high = product + low;
        double highError = sumError(product, low, high);
        return high + oddSum(lowError, highError);
    }

    private static boolean within(double value, double least, double most) {
        double size = Math.abs(value);
        return size == 0 || (size >= least && size <= most);
    }

    private static double productError(double a, double b, double product) {
        double aHigh = high(a);
        double aLow = a - aHigh;
        double bHigh = high(b);
        double bLow = b - bHigh;
        return aLow * bLow - (((product - aHigh * bHigh) - aLow * bHigh) - aHigh * bLow);
    }

    private static double high(double value) {
        double spread = SPLIT * value;
        return spread - (spread - value);
    }

    private static double sumError(double a, double b, double sum) {
        double added = sum - a;
        return (a - (sum - added)) + (b - added);
    }

    /** A sum that, where it is inexact, has an odd last bit. */
    private static double oddSum(double a, double b) {
        double sum = a + b;
        double error = sumError(a, b, sum);
        if (error == 0 || (Double.doubleToRawLongBits(sum) & 1) != 0) {
            return sum;
        }
        return error > 0 ? Math.nextUp(sum) : Math.nextDown(sum);
    }
}
