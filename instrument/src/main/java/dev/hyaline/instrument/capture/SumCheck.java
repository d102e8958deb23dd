package dev.hyaline.instrument.capture;

import dev.hyaline.engine.error.BadShapeException;
import java.util.Locale;

/**
 * A comparison of a sum of parts with their whole.
 *
 * @param values numbers compared
 * @param largestError the largest absolute difference between the sum of the parts and the whole
 * @param largestValue the largest absolute value of the whole, which the error is to be seen against
 */
public record SumCheck(long values, double largestError, double largestValue) {
    /** The error as a share of the largest value. */
    public double relativeError() {
        return largestError == 0 ? 0 : largestError / largestValue;
    }

    /** Compares sums with what they should be. */
    public static SumCheck of(double[] whole, double[] sums) {
        if (whole.length != sums.length) {
            throw new BadShapeException("sums", whole.length + " values", sums.length + " values");
        }
        double error = 0;
        double largest = 0;
        for (int i = 0; i < whole.length; i++) {
            error = Math.max(error, Math.abs(sums[i] - whole[i]));
            largest = Math.max(largest, Math.abs(whole[i]));
        }
        return new SumCheck(whole.length, error, largest);
    }

    SumCheck and(SumCheck other) {
        return new SumCheck(
                values + other.values,
                Math.max(largestError, other.largestError),
                Math.max(largestValue, other.largestValue));
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "sums differ from the whole by at most %.3g (largest value %.3g, %d values)",
                largestError,
                largestValue,
                values);
    }
}
