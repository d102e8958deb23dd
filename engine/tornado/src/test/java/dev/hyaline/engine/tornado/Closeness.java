package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

/** Values on a device are those of the processors, and PyTorch's, within rounding. */
final class Closeness {
    /** Largest difference, relative to the largest value of the site. */
    static final float TOLERANCE = 1e-4f;

    private Closeness() {}

    static void requireClose(String what, float[] found, float[] expected) {
        assertThat(found).as(what).hasSameSizeAs(expected);
        float largest = 0;
        float worst = 0;
        for (int i = 0; i < expected.length; i++) {
            if (Float.isInfinite(expected[i])) {
                assertThat(found[i]).as(what + " at " + i).isEqualTo(expected[i]);
            } else {
                assertThat(found[i]).as(what + " at " + i).isFinite();
                largest = Math.max(largest, Math.abs(expected[i]));
                worst = Math.max(worst, Math.abs(found[i] - expected[i]));
            }
        }
        assertThat(worst).as(what).isLessThanOrEqualTo(TOLERANCE * largest);
    }
}
