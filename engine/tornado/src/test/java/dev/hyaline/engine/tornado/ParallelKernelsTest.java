package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.ScalarKernels;
import dev.hyaline.engine.internal.kernel.Scratch;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The parallel kernels as ordinary Java against the scalar kernels of the engine; needs no device. */
final class ParallelKernelsTest {
    private static final Kernels SCALAR = new ScalarKernels();
    private static final float UNTOUCHED = KernelData.UNTOUCHED;

    private final KernelData data = new KernelData(5);
    private final IntArray step = data.step;

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 60, 200", "3, 13, 33", "5, 200, 60", "2, 130, 7"})
    void productsAreThoseOfTheScalarKernels(int rows, int k, int n) {
        int layers = 3;
        int layer = 1;
        float[] in = data.random(rows * k);
        float[] w = data.random(layers * n * k);
        float[] bias = data.random(layers * n);
        PackedMatrix packed = PackedMatrix.zeros(k, n, false);
        packed.setColumns(0, n, Arrays.copyOfRange(w, layer * n * k, (layer + 1) * n * k));
        System.arraycopy(bias, layer * n, packed.bias(), 0, n);
        InputRows inputRows = new InputRows();
        inputRows.set(in, 0, k, k, rows, SCALAR.rowsTogether());
        float[] expected = new float[rows * n];
        Rows expectedRows = new Rows(expected, 0, n);
        SCALAR.product(expectedRows, inputRows, packed, 0, rows, 0, packed.panels(), new Scratch());

        data.step(layer, rows);
        FloatArray out = KernelData.filled((rows + 1) * n);
        ParallelKernels.product(
                out,
                FloatArray.fromArray(in),
                FloatArray.fromArray(w),
                FloatArray.fromArray(bias),
                step,
                k,
                n,
                ParallelKernels.IDENTITY);
        KernelData.requireClose(out, expected);
        assertThat(out.get(rows * n)).as("a row beyond those asked for").isEqualTo(UNTOUCHED);

        FloatArray sums = KernelData.filled(rows * n);
        ParallelKernels.productAdd(
                sums, FloatArray.fromArray(in), FloatArray.fromArray(w), FloatArray.fromArray(bias), step, k, n);
        for (int i = 0; i < expected.length; i++) {
            expected[i] += UNTOUCHED;
        }
        KernelData.requireClose(sums, expected);
    }

    @Test
    void theProjectionIsThreeProducts() {
        int rows = 6;
        int d = 6;
        int capacity = 7;
        int layers = 2;
        float[] w = data.random(layers * 3 * d * d);
        float[] bias = data.random(layers * 3 * d);
        FloatArray in = data.randomArray(rows * d);
        data.step(1, rows);
        FloatArray qkv = KernelData.filled(3 * capacity * d);
        ParallelKernels.project(qkv, in, FloatArray.fromArray(w), FloatArray.fromArray(bias), step, d, capacity);
        data.step(0, rows);
        for (int part = 0; part < 3; part++) {
            int first = 3 + part;
            FloatArray expected = KernelData.filled(rows * d);
            ParallelKernels.product(
                    expected,
                    in,
                    FloatArray.fromArray(Arrays.copyOfRange(w, first * d * d, (first + 1) * d * d)),
                    FloatArray.fromArray(Arrays.copyOfRange(bias, first * d, (first + 1) * d)),
                    step,
                    d,
                    d,
                    ParallelKernels.IDENTITY);
            for (int i = 0; i < capacity * d; i++) {
                assertThat(qkv.get(part * capacity * d + i)).isEqualTo(i < rows * d ? expected.get(i) : UNTOUCHED);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ActivationFunction.class)
    void activationsAreThoseOfTheScalarKernels(ActivationFunction f) {
        int n = 37;
        float[] expected = data.random(2 * n);
        for (int i = 0; i < expected.length; i++) {
            expected[i] *= 4;
        }
        FloatArray inOut = FloatArray.fromArray(expected);
        SCALAR.activate(expected, 0, expected.length, f);
        data.step(0, 2);
        ParallelKernels.activate(inOut, step, n, Tasks.function(f));
        KernelData.requireClose(inOut, expected);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 60", "4, 13"})
    void normsAreThoseOfTheScalarKernels(int rows, int d) {
        float eps = 1e-5f;
        int layer = 1;
        int norms = 2;
        float[] in = data.random(rows * d);
        float[] gains = data.random(5 * d);
        float[] biases = data.random(5 * d);
        int at = (layer * norms + 1) * d;
        float[] centered = new float[rows * d];
        float[] scales = new float[rows];
        for (int r = 0; r < rows; r++) {
            scales[r] = SCALAR.center(centered, r * d, in, r * d, d, eps);
        }
        float[] normalized = centered.clone();
        float[] normed = new float[rows * d];
        for (int r = 0; r < rows; r++) {
            SCALAR.divide(normalized, r * d, d, scales[r]);
            float[] gain = Arrays.copyOfRange(gains, at, at + d);
            float[] bias = Arrays.copyOfRange(biases, at, at + d);
            SCALAR.affine(normed, r * d, normalized, r * d, gain, bias, d);
        }

        data.step(layer, rows);
        FloatArray out = KernelData.filled(rows * d);
        FloatArray outScales = KernelData.filled(rows + 2);
        ParallelKernels.norm(
                out,
                outScales,
                FloatArray.fromArray(in),
                FloatArray.fromArray(gains),
                FloatArray.fromArray(biases),
                step,
                rows + 2,
                d,
                norms,
                1,
                eps);
        KernelData.requireClose(out, normed);
        KernelData.requireClose(outScales, scales);
        assertThat(outScales.get(rows)).isEqualTo(UNTOUCHED);

        ParallelKernels.center(out, outScales, FloatArray.fromArray(in), step, rows + 2, d, eps);
        KernelData.requireClose(out, centered);
        KernelData.requireClose(outScales, scales);
        ParallelKernels.divide(out, outScales, step, d);
        KernelData.requireClose(out, normalized);
        ParallelKernels.affine(out, FloatArray.fromArray(gains), FloatArray.fromArray(biases), step, d, norms, 1);
        KernelData.requireClose(out, normed);
    }

    @Test
    void embeddingsAreSums() {
        int d = 3;
        FloatArray tokens = data.randomArray(7 * d);
        FloatArray positions = data.randomArray(5 * d);
        IntArray rows = new IntArray(2 * RowField.FIELDS);
        rows.set(RowField.TOKEN, 6);
        rows.set(RowField.POSITION, 4);
        rows.set(RowField.FIELDS + RowField.TOKEN, 0);
        rows.set(RowField.FIELDS + RowField.POSITION, 1);
        data.step(0, 2);
        FloatArray residual = KernelData.filled(2 * d);
        ParallelKernels.embed(residual, tokens, positions, rows, step, d);
        for (int e = 0; e < d; e++) {
            assertThat(residual.get(e)).isEqualTo(tokens.get(6 * d + e) + positions.get(4 * d + e));
            assertThat(residual.get(d + e)).isEqualTo(tokens.get(e) + positions.get(d + e));
        }
        FloatArray token = KernelData.filled(2 * d);
        FloatArray position = KernelData.filled(2 * d);
        FloatArray sum = KernelData.filled(2 * d);
        ParallelKernels.embedApart(token, position, tokens, positions, rows, step, d);
        ParallelKernels.sum(sum, token, position, step, d);
        KernelData.requireClose(sum, residual.toHeapArray());
        ParallelKernels.add(sum, position, step, d);
        assertThat(sum.get(4)).isEqualTo(residual.get(4) + position.get(4));
        ParallelKernels.copy(sum, position, step, d);
        KernelData.requireClose(sum, position.toHeapArray());
    }

    @Test
    void logitsAreOfTheChosenRowsAndTokens() {
        int d = 4;
        int dVocab = 9;
        FloatArray values = data.randomArray(5 * d);
        float[] before = values.toHeapArray();
        IntArray rows = new IntArray(5 * RowField.FIELDS);
        rows.set(RowField.CHOSEN, 1);
        rows.set(RowField.FIELDS + RowField.CHOSEN, 4);
        data.step(0, 2);
        ParallelKernels.gather(values, rows, step, d);
        assertThat(Arrays.copyOf(values.toHeapArray(), d)).isEqualTo(Arrays.copyOfRange(before, d, 2 * d));
        assertThat(Arrays.copyOfRange(values.toHeapArray(), d, 2 * d))
                .isEqualTo(Arrays.copyOfRange(before, 4 * d, 5 * d));

        FloatArray w = data.randomArray(dVocab * d);
        FloatArray bias = data.randomArray(dVocab);
        IntArray columns = new IntArray(dVocab);
        columns.set(0, 8);
        columns.set(1, 3);
        columns.set(2, 5);
        step.set(StepField.COLUMNS, 3);
        step.set(StepField.FIRST_ROW, 1);
        data.step(0, 1);
        FloatArray out = KernelData.filled(4);
        ParallelKernels.unembed(out, values, w, bias, columns, step, d, dVocab);
        for (int j = 0; j < 3; j++) {
            float expected = bias.get(columns.get(j));
            for (int e = 0; e < d; e++) {
                expected += values.get(d + e) * w.get(columns.get(j) * d + e);
            }
            assertThat(out.get(j)).isCloseTo(expected, within(1e-5f));
        }
        assertThat(out.get(3)).isEqualTo(UNTOUCHED);
    }
}
