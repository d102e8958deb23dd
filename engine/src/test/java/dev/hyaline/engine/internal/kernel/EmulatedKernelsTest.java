package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Products on vectors of doubles against the scalar ones: equal bits, whatever the values. */
class EmulatedKernelsTest {
    @Property(tries = 60)
    void productsHaveEqualBits(
            @ForAll @IntRange(min = 1, max = 9) int rows,
            @ForAll @IntRange(min = 1, max = 300) int k,
            @ForAll @IntRange(min = 1, max = 100) int n,
            @ForAll boolean bfloat16,
            @ForAll long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        check(rows, k, n, bfloat16, random::nextGaussian, random::nextGaussian);
    }

    @Property(tries = 200)
    void anyFloatsHaveEqualBits(
            @ForAll @IntRange(min = 4, max = 6) int rows,
            @ForAll @IntRange(min = 1, max = 40) int k,
            @ForAll long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        DoubleSupplier bits = () -> Float.intBitsToFloat(random.nextInt());
        check(rows, k, 40, false, bits, bits);
    }

    /** Few bits: sums that are floats, or lie halfway between two, or cancel. */
    @Test
    void sumsOfFewBitsHaveEqualBits() {
        SplittableRandom random = new SplittableRandom(1);
        for (int bits = 1; bits <= 14; bits++) {
            int size = 1 << bits;
            check(4, 200, 96, false, () -> random.nextInt(-size, size + 1), () -> random.nextInt(-size, size + 1));
            check(4, 130, 64, false, () -> random.nextInt(size) * 0x1p-24, () -> random.nextInt(-1, 2) * 0x1p12);
        }
    }

    /** Halfway points, and beside them what no double can add to them. */
    @Test
    void sumsBesideHalfwayPointsRoundAsOnce() {
        SplittableRandom random = new SplittableRandom(2);
        for (int time = 0; time < 200; time++) {
            double odd = random.nextInt(1 << 12, 1 << 13) | 1;
            double tiny = Math.scalb(1.0, -random.nextInt(10, 40));
            check(
                    4,
                    60,
                    64,
                    false,
                    () -> random.nextInt(3) == 0 ? tiny : odd,
                    () -> random.nextInt(3) == 0 ? tiny : random.nextInt(1 << 12, 1 << 13) | 1);
        }
    }

    /** 1 + 2^-11 + 2^-24 lies halfway; what is added decides, and no double holds the sum. */
    @Test
    void aStepThatDecidesATieIsNotLost() {
        for (double sign : new double[] {1, -1}) {
            double[] in = {0x1.001p0, 0x1p-40 * sign};
            double[] weights = {0x1.001p0, 0x1p-40};
            int[] at = {0, 0};
            check(4, 16, 1, false, () -> in[at[0]++ % 2], () -> weights[at[1]++ % 2]);
        }
    }

    /** Sums that overflow, or are no normal floats, and ranges at the bounds of what vectors do. */
    @Test
    void sumsOfAnySizeHaveEqualBits() {
        SplittableRandom random = new SplittableRandom(3);
        for (int time = 0; time < 100; time++) {
            int spread = random.nextInt(1, 150);
            DoubleSupplier wide = () -> Math.scalb(random.nextGaussian(), random.nextInt(-spread, spread + 1));
            check(4, 140, 64, false, wide, wide);
            int low = -random.nextInt(25, 80);
            DoubleSupplier small = () -> Math.scalb(random.nextGaussian(), low);
            check(4, 140, 64, false, small, small);
            int high = random.nextInt(20, 64);
            DoubleSupplier large = () -> Math.scalb(random.nextGaussian(), high);
            check(4, 140, 64, false, large, large);
        }
    }

    @Test
    void zerosHaveTheirSign() {
        SplittableRandom random = new SplittableRandom(4);
        double[] values = {0.0, -0.0, 1, -1, 0x1p-40, -0x1p-40};
        DoubleSupplier any = () -> values[random.nextInt(values.length)];
        for (int time = 0; time < 200; time++) {
            check(4, 9, 64, false, any, any);
        }
    }

    /** Values that no sum can hold, in one place of a row or a column. */
    @Test
    void infinitiesAndNanStayInTheirRowsAndColumns() {
        for (double special : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            SplittableRandom random = new SplittableRandom(5);
            check(4, 24, 64, false, () -> random.nextInt(50) == 0 ? special : 0, random::nextGaussian);
            check(4, 24, 64, false, () -> 0, () -> random.nextInt(500) == 0 ? special : 1);
        }
    }

    private static void check(int rows, int k, int n, boolean bfloat16, DoubleSupplier in, DoubleSupplier weights) {
        PackedMatrix w = PackedMatrix.zeros(k, n, bfloat16);
        float[] row = new float[n];
        for (int e = 0; e < k; e++) {
            for (int j = 0; j < n; j++) {
                float value = (float) weights.getAsDouble();
                row[j] = bfloat16 ? Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xFFFF0000) : value;
            }
            w.setRow(e, row, 0);
        }
        float[] values = new float[rows * k];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) in.getAsDouble();
        }
        int[] expected = product(KernelTwins.SCALAR, values, w, rows);
        for (Kernels kernels : KernelTwins.EMULATED) {
            assertThat(product(kernels, values, w, rows))
                    .as("%s, %d x %d x %d", kernels.name(), rows, k, n)
                    .isEqualTo(expected);
        }
    }

    /** The bits of a product; all NaN are one. */
    private static int[] product(Kernels kernels, float[] values, PackedMatrix w, int rows) {
        InputRows in = new InputRows();
        in.set(values, 0, w.k(), w.k(), rows, 1);
        float[] out = new float[rows * w.n()];
        kernels.product(new Rows(out, 0, w.n()), in, w, 0, rows, 0, w.panels(), new Scratch());
        int[] bits = new int[out.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToIntBits(out[i]);
        }
        return bits;
    }
}
