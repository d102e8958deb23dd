package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The emulation against {@link Math#fma(double, double, double)}. */
class DoubleFmaTest {
    private static final double[] SPECIAL = {
        0,
        1,
        3,
        Math.nextUp(1),
        Math.nextDown(1),
        0x1p-53,
        0x1.8p-54,
        0x1p53,
        0x1p-400,
        0x1p400,
        0x1p-537,
        0x1p511,
        Double.MIN_VALUE,
        Double.MIN_NORMAL,
        Double.MAX_VALUE,
        Double.POSITIVE_INFINITY,
        Double.NaN
    };

    @Test
    void specialValuesHaveEqualBits() {
        for (double a : SPECIAL) {
            for (double b : SPECIAL) {
                for (double c : SPECIAL) {
                    check(a, b, c);
                    check(-a, b, c);
                    check(a, b, -c);
                    check(-a, b, -c);
                }
            }
        }
    }

    @Test
    void productsOfFloatsAndDoublesHaveEqualBits() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200_000; i++) {
            check((float) random.nextDouble(-3, 3), random.nextDouble(-3, 3), random.nextDouble(-3, 3));
        }
    }

    /** Where all cancels but the product's error, or what is added lies beside a halfway point. */
    @Test
    void sumsThatCancelAndHalfwayPointsRoundAsOnce() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 200_000; i++) {
            double a = Math.scalb(random.nextDouble(1, 2), random.nextInt(-390, 390));
            double b = Math.scalb(random.nextDouble(1, 2), random.nextInt(-390, 390));
            check(a, b, -a * b);
            check(a, b, Math.nextUp(-a * b));
            check(a, b, Math.scalb(a * b, random.nextInt(-110, 110)));
            double odd = random.nextInt(1 << 26, 1 << 27) | 1;
            double other = random.nextInt(1 << 26, 1 << 27) | 1;
            check(odd, other, Math.scalb(random.nextBoolean() ? 1 : -1.5, random.nextInt(-200, 60)));
        }
    }

    private static void check(double a, double b, double c) {
        assertThat(Double.doubleToLongBits(DoubleFma.emulated(a, b, c)))
                .as("%a * %a + %a", a, b, c)
                .isEqualTo(Double.doubleToLongBits(Math.fma(a, b, c)));
    }
}
