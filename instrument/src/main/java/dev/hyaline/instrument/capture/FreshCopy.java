package dev.hyaline.instrument.capture;

import java.util.Arrays;

/**
 * Copies of parts of arrays into new arrays, without writing zeros into them first. {@link Arrays#copyOfRange} does so
 * only once C2 has compiled it, which takes thousands of calls, and a recorded pass makes some hundreds. Large zeros
 * cost as much as large copies, so the first large copy has the method compiled on small arrays.
 */
final class FreshCopy {
    /** Values from which it pays: 1 MB. */
    private static final int LARGE = 1 << 18;

    private FreshCopy() {}

    static float[] of(float[] from, int offset, int length) {
        return length < LARGE
                ? Arrays.copyOfRange(from, offset, offset + length)
                : Compiled.copy(from, offset, offset + length);
    }

    /** Initialised by the first large copy. */
    private static final class Compiled {
        private static final int CALLS = 20_000;

        static {
            float[] small = new float[16];
            for (int i = 0; i < CALLS; i++) {
                // Whole arrays and parts take different branches, and C2 leaves out one that was never taken.
                copy(small, 0, small.length);
                copy(small, 1, small.length - 1);
            }
        }

        static float[] copy(float[] from, int start, int end) {
            return Arrays.copyOfRange(from, start, end);
        }
    }
}
