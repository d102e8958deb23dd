package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.config.ActivationFunction;
import java.util.Arrays;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Vector kernels of each width and shape of tiles against the scalar ones: equal bits, on sizes that fit no vector. */
class KernelsTest {
    private static final float[] SPECIAL = {
        0f,
        -0f,
        1f,
        -1f,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        Float.MIN_NORMAL,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.NaN,
        88.7f,
        89f,
        -87.3f,
        -103.9f,
        -104f,
        0.99999994f,
        4f
    };

    static Stream<int[]> productSizes() {
        return Stream.of(
                new int[] {1, 1, 1},
                new int[] {1, 768, 33},
                new int[] {1, 300, 300},
                new int[] {2, 13, 32},
                new int[] {3, 128, 31},
                new int[] {5, 129, 17},
                new int[] {7, 207, 64},
                new int[] {8, 60, 60},
                new int[] {11, 256, 100},
                new int[] {12, 127, 96},
                new int[] {13, 702, 16},
                new int[] {23, 385, 101},
                new int[] {27, 4098, 13});
    }

    @ParameterizedTest
    @MethodSource("productSizes")
    void productsHaveEqualBits(int[] size) {
        assertProductTwins(size[0], size[1], size[2], 0, Integer.MAX_VALUE, false, 1);
        assertProductTwins(size[0], size[1], size[2], 0, Integer.MAX_VALUE, true, 1);
    }

    @Property(tries = 60)
    void productsHaveEqualBitsAnywhere(
            @ForAll @IntRange(min = 1, max = 30) int rows,
            @ForAll @IntRange(min = 1, max = 300) int k,
            @ForAll @IntRange(min = 1, max = 200) int n,
            @ForAll @IntRange(max = 4) int firstPanel,
            @ForAll @IntRange(min = 1, max = 6) int panels,
            @ForAll boolean bfloat16,
            @ForAll long seed) {
        assertProductTwins(rows, k, n, firstPanel, firstPanel + panels, bfloat16, seed);
    }

    private static void assertProductTwins(
            int rows, int k, int n, int firstPanel, int endPanel, boolean bfloat16, long seed) {
        Random random = new Random(seed);
        PackedMatrix w = random(k, n, bfloat16, random);
        int inStride = k + random.nextInt(3);
        int outStride = n + random.nextInt(3);
        float[] in = gaussian(5 + rows * inStride, random);
        float[] before = gaussian(3 + rows * outStride, random);
        int first = Math.min(firstPanel, w.panels() - 1);
        int end = Math.clamp(endPanel, first + 1, w.panels());
        // The second block of rows of a larger product, whose first row every shape of tile may begin with.
        int firstRow = rows > 12 ? 12 : 0;
        assertTwins(before, (kernels, out) -> {
            InputRows x = input(kernels, in, 5, inStride, k, rows);
            kernels.product(new Rows(out, 3, outStride), x, w, firstRow, rows, first, end, new Scratch());
        });
    }

    @Test
    void productIsTheChainItSaysItIs() {
        Random random = new Random(7);
        PackedMatrix w = random(300, 40, false, random);
        float[] in = gaussian(2 * 300, random);
        float[] out = new float[2 * 40];
        InputRows x = input(KernelTwins.SCALAR, in, 0, 300, 300, 2);
        KernelTwins.SCALAR.product(new Rows(out, 0, 40), x, w, 0, 2, 0, w.panels(), new Scratch());
        for (int r = 0; r < 2; r++) {
            for (int j = 0; j < 40; j++) {
                float expected = w.bias()[j];
                for (int block = 0; block < 300; block += Kernels.K_BLOCK) {
                    float chain = 0;
                    for (int e = block; e < Math.min(300, block + Kernels.K_BLOCK); e++) {
                        chain = Math.fma(in[r * 300 + e], w.get(e, j), chain);
                    }
                    expected += chain;
                }
                assertThat(out[r * 40 + j]).isEqualTo(expected);
            }
        }
    }

    @Test
    void bfloat16IsFloatsInLessRoom() {
        PackedMatrix halves = random(70, 45, true, new Random(9));
        PackedMatrix floats = PackedMatrix.zeros(70, 45, false);
        float[] row = new float[45];
        for (int r = 0; r < 70; r++) {
            halves.row(r, row, 0);
            floats.setRow(r, row, 0);
            for (int j = 0; j < 45; j++) {
                assertThat(halves.get(r, j)).isEqualTo(row[j]).isEqualTo(floats.get(r, j));
            }
        }
        float[] column = new float[70];
        halves.column(40, column, 0);
        for (int r = 0; r < 70; r++) {
            assertThat(column[r]).isEqualTo(floats.get(r, 40));
        }
        PackedMatrix chosen = halves.columns(new int[] {40, 0, 16});
        assertThat(chosen.get(69, 0)).isEqualTo(halves.get(69, 40));
        assertThat(chosen.get(3, 2)).isEqualTo(halves.get(3, 16));
    }

    @Test
    void aRowIsTheSameInEveryTile() {
        Random random = new Random(8);
        PackedMatrix w = random(200, 70, false, random);
        float[] in = gaussian(40 * 200, random);
        float[] together = new float[40 * 70];
        for (Kernels kernels : KernelTwins.VECTORS) {
            InputRows all = input(kernels, in, 0, 200, 200, 40);
            kernels.product(new Rows(together, 0, 70), all, w, 0, 40, 0, w.panels(), new Scratch());
            for (int row = 0; row < 40; row++) {
                float[] alone = new float[70];
                InputRows one = input(kernels, in, row * 200, 200, 200, 1);
                kernels.product(new Rows(alone, 0, 70), one, w, 0, 1, 0, w.panels(), new Scratch());
                assertThat(alone).isEqualTo(Arrays.copyOfRange(together, row * 70, (row + 1) * 70));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 7, 8, 13, 15, 16, 17, 31, 33, 207, 702, 4098})
    void elementwiseKernelsHaveEqualBits(int n) {
        Random random = new Random(n);
        float[] x = gaussian(n + 9, random);
        float[] gain = gaussian(n, random);
        float[] bias = gaussian(n, random);
        assertTwins(x, (kernels, out) -> kernels.add(out, 4, gain, 0, n));
        assertTwins(x, (kernels, out) -> kernels.sum(out, 2, gain, 0, bias, 0, n));
        assertTwins(x, (kernels, out) -> kernels.divide(out, 5, n, 1.7f));
        assertTwins(x, (kernels, out) -> kernels.affine(out, 1, out, 1, gain, bias, n));
        assertTwins(x, (kernels, out) -> out[0] = kernels.center(out, 3, x, 4, n, 1e-5f));
        assertTwins(x, (kernels, out) -> kernels.softmax(out, 6, n));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 7, 8, 13, 15, 16, 17, 31, 33, 63, 64, 65, 207, 702})
    void kernelsOfChosenRowsHaveEqualBits(int n) {
        Random random = new Random(n);
        int stride = n + 3;
        Rows source = new Rows(gaussian(2 + 40 * stride, random), 2, stride);
        int[] rows = random.ints(301, 0, 40).toArray();
        float[] factors = gaussian(301, random);
        float[] w = gaussian(n + 5, random);
        assertTwins(
                gaussian(n + 7, random),
                (kernels, out) -> kernels.sparse().addScaledRows(out, 6, n, factors, rows, 2, 299, source));
        assertTwins(new float[301], (kernels, out) -> kernels.sparse().dotRows(out, w, 5, n, rows, 1, 300, source));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 15, 16, 31, 64, 100, 128, 207})
    void sumsOfDoublesHaveEqualBits(int n) {
        Random random = new Random(n);
        double[] w = random.doubles(n + 3, -1, 1).toArray();
        double[] source = random.doubles(20L * n, -1e6, 1e6).toArray();
        int[] rows = random.ints(11, 0, 20).toArray();
        double[] expected = new double[13];
        KernelTwins.SCALAR.sparse().dotRows(expected, 2, w, 3, n, source, rows, 11);
        for (Kernels kernels : KernelTwins.VECTORS) {
            double[] found = new double[13];
            kernels.sparse().dotRows(found, 2, w, 3, n, source, rows, 11);
            assertThat(found).as(KernelTwins.name(kernels)).isEqualTo(expected);
            for (int j = 0; j < rows.length; j++) {
                assertThat(kernels.sparse().dot(w, 3, source, rows[j] * n, n)).isEqualTo(expected[j + 2]);
            }
        }
        double plain = 0;
        for (int c = 0; c < n; c++) {
            plain += w[3 + c] * source[rows[4] * n + c];
        }
        assertThat(expected[6]).isCloseTo(plain, within(1e-8));
        assertThat(expected[0]).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 8, 15, 16, 17, 33, 207, 1001})
    void valuesAboveCutsAreFoundAlike(int n) {
        Random random = new Random(n);
        float[] values = gaussian(n + 3, random);
        float[] cuts = gaussian(n + 2, random);
        values[3] = Float.NaN;
        for (Kernels kernels : KernelTwins.VECTORS) {
            int[] expected = new int[n + 1];
            int[] found = new int[n + 1];
            int count = KernelTwins.SCALAR.sparse().above(values, 3, n, 0.3f, expected, 1);
            assertThat(kernels.sparse().above(values, 3, n, 0.3f, found, 1)).isEqualTo(count);
            assertThat(found).isEqualTo(expected);
            count = KernelTwins.SCALAR.sparse().outside(values, 3, n, 0.3f, expected, 1);
            assertThat(kernels.sparse().outside(values, 3, n, 0.3f, found, 1)).isEqualTo(count);
            assertThat(found).isEqualTo(expected);
            count = KernelTwins.SCALAR.sparse().aboveEach(values, 3, n, cuts, 2, expected, 1);
            assertThat(kernels.sparse().aboveEach(values, 3, n, cuts, 2, found, 1))
                    .isEqualTo(count);
            assertThat(found).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 16, 17, 207})
    void gradientsThroughReluHaveEqualBits(int n) {
        Random random = new Random(n);
        float[] outputs = gaussian(n + 3, random);
        float[] gradient = gaussian(n + 2, random);
        outputs[3] = -0f;
        float[] expected = gradient.clone();
        int count = KernelTwins.SCALAR.sparse().reluGradient(expected, 1, outputs, 3, n, 0.4f);
        for (int i = 0; i < n; i++) {
            assertThat(expected[1 + i]).isEqualTo(outputs[3 + i] > 0 ? gradient[1 + i] + 0.4f : 0f);
        }
        for (Kernels kernels : KernelTwins.VECTORS) {
            float[] found = gradient.clone();
            assertThat(kernels.sparse().reluGradient(found, 1, outputs, 3, n, 0.4f))
                    .isEqualTo(count);
            assertThat(found).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 16, 17, 32, 207})
    void biasedReluHasEqualBits(int n) {
        float[] in = gaussian(n + 3, new Random(n));
        in[3] = -0.3f;
        for (Kernels kernels : KernelTwins.VECTORS) {
            float[] expected = new float[n + 2];
            KernelTwins.SCALAR.sparse().biasedRelu(expected, 1, in, 3, n, 0.3f);
            for (int i = 0; i < n; i++) {
                assertThat(expected[1 + i]).isEqualTo(in[3 + i] + 0.3f > 0 ? in[3 + i] + 0.3f : 0f);
            }
            float[] found = new float[n + 2];
            kernels.sparse().biasedRelu(found, 1, in, 3, n, 0.3f);
            assertThat(found).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 16, 17, 207})
    void stepsOfAdamHaveEqualBits(int n) {
        Random random = new Random(n);
        AdamStep step = new AdamStep(3e-3f, 0.9f, 0.999f, 2.1f, 330f, 1e-8f, 0.7f, 0.99f);
        float[] m = gaussian(n + 2, random);
        float[] v = gaussian(n + 2, random);
        for (int i = 0; i < v.length; i++) {
            v[i] *= v[i];
        }
        float[] gradient = gaussian(n, random);
        assertTwins(gaussian(n + 2, random), (kernels, out) -> {
            float[] first = m.clone();
            float[] second = v.clone();
            kernels.gradients().adam(out, first, second, 2, gradient, 0, n, step);
            for (int i = 0; i < n; i++) {
                out[2 + i] += first[2 + i] + second[2 + i];
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void activationsHaveEqualBits(ActivationFunction f) {
        Random random = new Random(3);
        float[] x = new float[5003];
        for (int i = 0; i < x.length; i++) {
            x[i] = i < SPECIAL.length ? SPECIAL[i] : (float) random.nextGaussian(0, i % 7 + 0.1);
        }
        assertTwins(x, (kernels, out) -> kernels.activate(out, 0, x.length, f));
        assertTwins(x, (kernels, out) -> kernels.activate(out, 3, 1001, f));
    }

    @Test
    void softmaxOfSpecialRowsHasEqualBits() {
        float inf = Float.POSITIVE_INFINITY;
        float[][] rows = {
            {-inf, 1, 2},
            {-inf, -inf},
            {inf, 1},
            {Float.NaN, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17},
            {-200, 0, -100, -90},
            {-0f, 0f}
        };
        for (float[] row : rows) {
            assertTwins(row, (kernels, out) -> kernels.softmax(out, 0, row.length));
        }
    }

    @Property(tries = 60)
    void attentionKernelsHaveEqualBits(
            @ForAll @IntRange(min = 1, max = 17) int queries,
            @ForAll @IntRange(min = 1, max = 6) int blocks,
            @ForAll @IntRange(min = 1, max = 70) int dHead,
            @ForAll long seed) {
        Random random = new Random(seed);
        int at = random.nextInt(5);
        float[][] keysOrValues = new float[blocks][];
        for (int b = 0; b < blocks; b++) {
            keysOrValues[b] = gaussian(at + Kernels.KEYS_PER_BLOCK * dHead, random);
        }
        HeadBlocks head = new HeadBlocks(keysOrValues, at, dHead);
        float[] q = gaussian(queries * (dHead + 2), random);
        int stride = blocks * Kernels.KEYS_PER_BLOCK + 4;
        float[] maps = gaussian(queries * stride, random);
        int firstKey = random.nextInt(blocks * Kernels.KEYS_PER_BLOCK);
        int endKey = random.nextInt(firstKey, blocks * Kernels.KEYS_PER_BLOCK + 1);
        assertTwins(
                gaussian(queries * stride, random),
                (kernels, out) -> kernels.scores(
                        new Rows(out, 0, stride), new Rows(q, 0, dHead + 2), queries, head, blocks, 0.125f));
        assertTwins(
                gaussian(queries * (dHead + 1), random),
                (kernels, out) -> kernels.weigh(
                        new Rows(out, 0, dHead + 1), new Rows(maps, 0, stride), queries, head, firstKey, endKey));
    }

    @Property(tries = 60)
    void rowsInterleaveAlike(
            @ForAll @IntRange(min = 1, max = 300) int k,
            @ForAll @IntRange(min = 0, max = 13) int rows,
            @ForAll long seed) {
        Random random = new Random(seed);
        int stride = k + random.nextInt(3);
        float[] values = gaussian(2 + rows * stride, random);
        for (Kernels kernels : KernelTwins.VECTORS) {
            InputRows in = new InputRows();
            in.set(values, 2, stride, k, rows, kernels.rowsTogether());
            in.reserve();
            Arrays.fill(in.interleaved(), Float.NaN);
            KernelTwins.SCALAR.interleave(in, 0, in.groups());
            float[] expected = in.interleaved().clone();
            Arrays.fill(in.interleaved(), Float.NaN);
            int middle = in.groups() / 2;
            kernels.interleave(in, middle, in.groups());
            kernels.interleave(in, 0, middle);
            assertThat(in.interleaved()).as(KernelTwins.name(kernels)).isEqualTo(expected);
        }
    }

    /** Runs the kernel on copies of {@code before} and compares all of the array, so that a stray write shows too. */
    private static void assertTwins(float[] before, BiConsumer<Kernels, float[]> kernel) {
        float[] expected = before.clone();
        kernel.accept(KernelTwins.SCALAR, expected);
        for (Kernels kernels : KernelTwins.VECTORS) {
            float[] found = before.clone();
            kernel.accept(kernels, found);
            int at = Arrays.mismatch(expected, found);
            assertThat(at)
                    .as("%s differs at this index", KernelTwins.name(kernels))
                    .isEqualTo(-1);
        }
    }

    private static InputRows input(Kernels kernels, float[] values, int at, int stride, int k, int rows) {
        InputRows in = new InputRows();
        in.set(values, at, stride, k, rows, kernels.rowsTogether());
        in.reserve();
        KernelTwins.SCALAR.interleave(in, 0, in.groups());
        return in;
    }

    /** A matrix of floats, or of bfloat16. */
    private static PackedMatrix random(int k, int n, boolean bfloat16, Random random) {
        PackedMatrix w = PackedMatrix.zeros(k, n, bfloat16);
        for (int row = 0; row < k; row++) {
            w.setRow(row, bfloat16 ? truncated(gaussian(n, random)) : gaussian(n, random), 0);
        }
        System.arraycopy(gaussian(n, random), 0, w.bias(), 0, n);
        return w;
    }

    private static float[] truncated(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xFFFF0000);
        }
        return values;
    }

    private static float[] gaussian(int n, Random random) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
