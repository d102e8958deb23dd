package dev.hyaline.files;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class FloatCodecTest {
    @Property(tries = 5000)
    void roundsToTheNearestAndToEvenBetweenTwo(@ForAll int bits) {
        float value = Float.intBitsToFloat(bits);
        if (Float.isNaN(value)) {
            assertThat(FloatCodec.rounded(Dtype.BF16, value)).isNaN();
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
        assertThat((short) FloatCodec.bits(Dtype.BF16, value)).isEqualTo((short) ((down ? lower : upper) >>> 16));
    }

    /** The bfloat16 before the largest finite one, from which the step of that binade follows. */
    private static double step(int bits) {
        return Float.intBitsToFloat(bits - 0x10000);
    }

    @Test
    void knownValues() {
        assertThat((short) FloatCodec.bits(Dtype.BF16, 1f)).isEqualTo((short) 0x3F80);
        assertThat((short) FloatCodec.bits(Dtype.BF16, -0f)).isEqualTo((short) 0x8000);
        assertThat((short) FloatCodec.bits(Dtype.BF16, 1 + 1 / 256f))
                .isEqualTo((short) 0x3F80); // half way, 0x3F80 is even
        assertThat((short) FloatCodec.bits(Dtype.BF16, 1 + 3 / 256f))
                .isEqualTo((short) 0x3F82); // half way, 0x3F81 is odd
        assertThat((short) FloatCodec.bits(Dtype.BF16, Float.MAX_VALUE)).isEqualTo((short) 0x7F80);
        assertThat((short) FloatCodec.bits(Dtype.BF16, Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xFF80);
        assertThat(FloatCodec.rounded(Dtype.BF16, Float.intBitsToFloat(0x7F800001)))
                .isNaN();
    }
}
