package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The emulation against {@link Math#fma(float, float, float)}. */
class FmaTest {
    private static final float[] SPECIAL = {
        0f,
        1f,
        3f,
        0x1.fffffep-1f,
        0x1.000002p0f,
        0x1p-24f,
        0x1p-25f,
        0x1p24f,
        0x1p-75f,
        0x1.8p-75f,
        Float.MIN_VALUE,
        3 * Float.MIN_VALUE,
        Float.MIN_NORMAL,
        Math.nextDown(Float.MIN_NORMAL),
        Float.MAX_VALUE,
        0x1p127f,
        0x1p103f,
        0x1p102f,
        0x1p64f,
        Float.POSITIVE_INFINITY,
        Float.NaN
    };

    @Test
    void specialValuesHaveEqualBits() {
        for (float a : SPECIAL) {
            for (float b : SPECIAL) {
                for (float c : SPECIAL) {
                    check(a, b, c);
                    check(-a, b, c);
                    check(a, b, -c);
                    check(-a, b, -c);
                }
            }
        }
    }

    /** Products that lie halfway between two floats, and addends too small to show in a double. */
    @Test
    void sumsBesideHalfwayPointsRoundAsOnce() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 500_000; i++) {
            int odd = random.nextInt(1 << 12, 1 << 13) | 1;
            int other = random.nextInt(1 << 12, 1 << 13) | 1;
            float a = Math.scalb((float) odd, random.nextInt(-70, 60));
            float b = Math.scalb((float) other, random.nextInt(-70, 10));
            float tiny = Math.scalb(random.nextBoolean() ? 1f : -1.5f, random.nextInt(-149, 0));
            check(a, b, tiny);
            check(a, b, -Math.fma(a, b, 0f));
            check(a, b, Math.scalb((float) random.nextInt(1 << 24), random.nextInt(-149, 20)));
            check(a, Math.scalb(1f, random.nextInt(-149, 20)), tiny);
        }
    }

    @Test
    void twiceRoundedSumsDiffer() {
        float a = 0x1.001p0f;
        float b = 0x1.001p0f;
        // 1 + 2^-11 + 2^-24 lies halfway; the addend decides, and no double holds the sum.
        assertThat((float) ((double) a * b + 0x1p-80f)).isNotEqualTo(Math.fma(a, b, 0x1p-80f));
        assertThat(Fma.emulated(a, b, 0x1p-80f)).isEqualTo(Math.fma(a, b, 0x1p-80f));
    }

    @Test
    void randomBitsHaveEqualBits() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 2_000_000; i++) {
            float a = Float.intBitsToFloat(random.nextInt());
            float b = Float.intBitsToFloat(random.nextInt());
            check(a, b, Float.intBitsToFloat(random.nextInt()));
            check(a, b, -(a * b));
        }
    }

    @Property
    void anyFloatsHaveEqualBits(@ForAll float a, @ForAll float b, @ForAll float c) {
        check(a, b, c);
    }

    private static void check(float a, float b, float c) {
        float expected = Math.fma(a, b, c);
        float found = Fma.emulated(a, b, c);
        if (Float.floatToIntBits(found) != Float.floatToIntBits(expected)) {
            assertThat(found).as("fma(%s, %s, %s)", a, b, c).isEqualTo(expected);
        }
    }
}
