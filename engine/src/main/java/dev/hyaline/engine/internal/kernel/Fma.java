package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.error.BadInputException;

/**
 * The fused multiply-add of floats, with the bits of {@link Math#fma(float, float, float)} on every machine. Where the
 * processor has no such instruction, {@code Math.fma} computes in {@code BigDecimal} and is up to 1,000 times slower,
 * so it is emulated in double there.
 */
public final class Fma {
    /** {@code auto}, or {@code emulated}, which tests ask for. */
    public static final String PROPERTY = "hyaline.fma";

    /** Whether {@link #fma} is {@code Math.fma}. A constant to C2, so the choice costs nothing. */
    public static final boolean HARDWARE = hardware();

    /**
     * A double whose last 28 bits are zero may lie halfway between two floats: 29 bits are lost in rounding to a normal
     * float, and all that a subnormal float keeps is before them.
     */
    private static final long BELOW_HALF = (1L << 28) - 1;

    /** Nanoseconds of a call that only an instruction can keep to, interpreted or compiled. */
    private static final int MAX_INSTRUCTION_NANOS = 400;

    /** Enough that a slow clock, which some virtual machines have, does not look like a slow call. */
    private static final int CALLS = 64;

    private static final int TRIES = 3;

    private Fma() {}

    /** {@code a * b + c}, rounded once. */
    public static float fma(float a, float b, float c) {
        return HARDWARE ? Math.fma(a, b, c) : emulated(a, b, c);
    }

    /**
     * The same in double. The product of two floats is exact there, so only the sum is rounded before the result is.
     * Rounding twice differs from rounding once only where the sum was inexact and its double lies halfway between two
     * floats; the double next to it on the side of the exact sum then rounds to the right float. (Boldo and Melquiond,
     * "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008.)
     */
    public static float emulated(float a, float b, float c) {
        double product = (double) a * b;
        double sum = product + c;
        return (Double.doubleToRawLongBits(sum) & BELOW_HALF) == 0 ? (float) nudged(product, c, sum) : (float) sum;
    }

    /** The sum, or its neighbour on the side of the exact sum if it is inexact. */
    private static double nudged(double product, double c, double sum) {
        double added = sum - product;
        double error = (product - (sum - added)) + (c - added);
        // The error of an infinite sum is NaN, for which neither holds.
        if (error > 0) {
            return Math.nextUp(sum);
        }
        return error < 0 ? Math.nextDown(sum) : sum;
    }

    private static boolean hardware() {
        String wanted = System.getProperty(PROPERTY, "auto");
        return switch (wanted) {
            case "auto" -> isFast();
            case "emulated" -> false;
            // KernelProvider refuses it: an exception here would come as a linkage error.
            default -> true;
        };
    }

    /** Refuses a property that is neither of its values. */
    static void checkProperty() {
        String wanted = System.getProperty(PROPERTY, "auto");
        if (!wanted.equals("auto") && !wanted.equals("emulated")) {
            throw new BadInputException(PROPERTY + " must be auto or emulated, found " + wanted);
        }
    }

    /**
     * Returns whether {@code Math.fma} is an instruction. Asking the virtual machine for its flags would take 50 ms;
     * this takes some microseconds where there is one, and otherwise up to 200 calls of the slow way. A wrong answer
     * costs speed only.
     */
    private static boolean isFast() {
        float value = 0.7f;
        for (int attempt = 0; attempt < TRIES; attempt++) {
            long start = System.nanoTime();
            for (int call = 0; call < CALLS; call++) {
                value = Math.fma(value, 0.3f, 0.4f);
            }
            // The value is always a number; asking keeps the calls from being removed.
            if (System.nanoTime() - start < (long) CALLS * MAX_INSTRUCTION_NANOS && !Float.isNaN(value)) {
                return true;
            }
        }
        return false;
    }
}
