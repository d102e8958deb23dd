package dev.hyaline.instrument.internal;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class BFloat16Test {
    @Property(tries = 5000)
    void roundsToTheNearestAndToEvenBetweenTwo(@ForAll int bits) {
        float value = Float.intBitsToFloat(bits);
        if (Float.isNaN(value)) {
            assertThat(BFloat16.toFloat(BFloat16.of(value))).isNaN();
            return;
        }
        // The neighbours toward and away from zero; beyond the largest finite one comes infinity, as far away again.
        int lower = bits & 0xFFFF0000;
        int upper = lower + 0x10000;
        double below = Float.intBitsToFloat(lower);
        double above =
                Float.isInfinite(Float.intBitsToFloat(upper)) ? 2 * below - step(lower) : Float.intBitsToFloat(upper);
        double toLower = Math.abs(value - below);
        double toUpper = Math.abs(above - value);
        boolean down = toLower < toUpper || (toLower == toUpper && (lower & 0x10000) == 0);
        if (Float.isInfinite(value)) {
            down = true;
        }
        assertThat(BFloat16.of(value)).isEqualTo((short) ((down ? lower : upper) >>> 16));
    }

    /** The bfloat16 before the largest finite one, from which the step of that binade follows. */
    private static double step(int bits) {
        return Float.intBitsToFloat(bits - 0x10000);
    }

    @Test
    void knownValues() {
        assertThat(BFloat16.of(1f)).isEqualTo((short) 0x3F80);
        assertThat(BFloat16.of(-0f)).isEqualTo((short) 0x8000);
        assertThat(BFloat16.of(1 + 1 / 256f)).isEqualTo((short) 0x3F80); // half way, 0x3F80 is even
        assertThat(BFloat16.of(1 + 3 / 256f)).isEqualTo((short) 0x3F82); // half way, 0x3F81 is odd
        assertThat(BFloat16.of(Float.MAX_VALUE)).isEqualTo((short) 0x7F80);
        assertThat(BFloat16.of(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xFF80);
        assertThat(BFloat16.toFloat(BFloat16.of(Float.intBitsToFloat(0x7F800001))))
                .isNaN();
    }
}
