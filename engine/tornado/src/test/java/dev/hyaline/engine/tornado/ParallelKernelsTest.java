package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.ActivationFunction;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.ScalarKernels;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The parallel kernels as ordinary Java against the scalar kernels of the engine; needs no device. */
final class ParallelKernelsTest {
    private static final Kernels SCALAR = new ScalarKernels();
    private static final float UNTOUCHED = 77;

    private final Random random = new Random(5);
    private final IntArray step = new IntArray(StepField.FIELDS);

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 60, 200", "3, 13, 33", "5, 200, 60", "2, 130, 7"})
    void productsAreThoseOfTheScalarKernels(int rows, int k, int n) {
        int layers = 3;
        int layer = 1;
        float[] in = random(rows * k);
        float[] w = random(layers * n * k);
        float[] bias = random(layers * n);
        PackedMatrix packed = PackedMatrix.zeros(k, n, false);
        packed.setColumns(0, n, Arrays.copyOfRange(w, layer * n * k, (layer + 1) * n * k));
        System.arraycopy(bias, layer * n, packed.bias(), 0, n);
        InputRows inputRows = new InputRows();
        inputRows.set(in, 0, k, k, rows);
        float[] expected = new float[rows * n];
        SCALAR.product(expected, 0, n, inputRows, packed, 0, rows, 0, packed.panels());

        step(layer, rows);
        FloatArray out = filled((rows + 1) * n);
        ParallelKernels.product(out, floats(in), floats(w), floats(bias), step, k, n, ParallelKernels.IDENTITY);
        requireClose(out, expected);
        assertThat(out.get(rows * n)).as("a row beyond those asked for").isEqualTo(UNTOUCHED);

        FloatArray sums = filled(rows * n);
        ParallelKernels.productAdd(sums, floats(in), floats(w), floats(bias), step, k, n);
        for (int i = 0; i < expected.length; i++) {
            expected[i] += UNTOUCHED;
        }
        requireClose(sums, expected);
    }

    @ParameterizedTest
    @EnumSource(ActivationFunction.class)
    void activationsAreThoseOfTheScalarKernels(ActivationFunction f) {
        int n = 37;
        float[] expected = random(2 * n);
        for (int i = 0; i < expected.length; i++) {
            expected[i] *= 4;
        }
        FloatArray inOut = floats(expected);
        SCALAR.activate(expected, 0, expected.length, f);
        step(0, 2);
        ParallelKernels.activate(inOut, step, n, Tasks.function(f));
        requireClose(inOut, expected);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 60", "4, 13"})
    void normsAreThoseOfTheScalarKernels(int rows, int d) {
        float eps = 1e-5f;
        int layer = 1;
        int norms = 2;
        float[] in = random(rows * d);
        float[] gains = random(5 * d);
        float[] biases = random(5 * d);
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

        step(layer, rows);
        FloatArray out = filled(rows * d);
        FloatArray outScales = filled(rows + 2);
        ParallelKernels.norm(
                out, outScales, floats(in), floats(gains), floats(biases), step, rows + 2, d, norms, 1, eps);
        requireClose(out, normed);
        requireClose(outScales, scales);
        assertThat(outScales.get(rows)).isEqualTo(UNTOUCHED);

        ParallelKernels.center(out, outScales, floats(in), step, rows + 2, d, eps);
        requireClose(out, centered);
        requireClose(outScales, scales);
        ParallelKernels.divide(out, outScales, step, d);
        requireClose(out, normalized);
        ParallelKernels.affine(out, floats(gains), floats(biases), step, d, norms, 1);
        requireClose(out, normed);
    }

    /** Two sequences, the second after a past, on scattered pages: fused and with its maps. */
    @Test
    void attentionIsThatOfTheScalarKernels() {
        int heads = 3;
        int dHead = 5;
        int d = heads * dHead;
        int pageCount = 7;
        int layers = 2;
        int layer = 1;
        float scale = 0.4f;
        int[] lengths = {18, 4};
        int[] starts = {0, 30};
        int[][] pageTables = {{5, 2}, {1, 6, 0}};
        int rows = 22;
        float[] q = random(rows * d);
        FloatArray keyPages = floats(random(layers * pageCount * ParallelKernels.PAGE * d));
        FloatArray valuePages = floats(random(layers * pageCount * ParallelKernels.PAGE * d));
        IntArray pages = IntArray.fromElements(5, 2, 1, 6, 0);
        IntArray rowFields = new IntArray(rows * RowField.FIELDS);
        int map = 0;
        int row = 0;
        int table = 0;
        for (int s = 0; s < lengths.length; s++) {
            int keys = starts[s] + lengths[s];
            for (int i = 0; i < lengths[s]; i++, row++) {
                rowFields.set(row * RowField.FIELDS + RowField.POSITION, starts[s] + i);
                rowFields.set(row * RowField.FIELDS + RowField.PAGES, table);
                rowFields.set(row * RowField.FIELDS + RowField.KEYS, keys);
                rowFields.set(row * RowField.FIELDS + RowField.MAP, map + i * keys);
                rowFields.set(row * RowField.FIELDS + RowField.MAP_STRIDE, lengths[s] * keys);
            }
            map += heads * lengths[s] * keys;
            table += pageTables[s].length;
        }
        step(layer, rows);
        FloatArray k = floats(random(rows * d));
        FloatArray v = floats(random(rows * d));
        ParallelKernels.store(keyPages, valuePages, k, v, pages, rowFields, step, d, pageCount);

        float[] expectedZ = new float[rows * d];
        float[] expectedPattern = new float[map];
        row = 0;
        for (int s = 0; s < lengths.length; s++) {
            for (int i = 0; i < lengths[s]; i++, row++) {
                int position = starts[s] + i;
                for (int head = 0; head < heads; head++) {
                    float[] weights = new float[position + 1];
                    for (int j = 0; j <= position; j++) {
                        int key = at(layer, pageCount, pageTables[s], j, d) + head * dHead;
                        for (int e = 0; e < dHead; e++) {
                            weights[j] += scale * q[row * d + head * dHead + e] * keyPages.get(key + e);
                        }
                    }
                    SCALAR.softmax(weights, 0, weights.length);
                    int to = rowFields.get(row * RowField.FIELDS + RowField.MAP)
                            + head * rowFields.get(row * RowField.FIELDS + RowField.MAP_STRIDE);
                    System.arraycopy(weights, 0, expectedPattern, to, weights.length);
                    for (int j = 0; j <= position; j++) {
                        int value = at(layer, pageCount, pageTables[s], j, d) + head * dHead;
                        for (int e = 0; e < dHead; e++) {
                            expectedZ[row * d + head * dHead + e] += weights[j] * valuePages.get(value + e);
                        }
                    }
                }
            }
        }
        // A row's key, where its position is.
        int last = at(layer, pageCount, pageTables[1], 33, d);
        assertThat(keyPages.get(last + 2)).isEqualTo(k.get(21 * d + 2));

        FloatArray scales = FloatArray.fromElements(UNTOUCHED, scale);
        FloatArray z = filled((rows + 3) * d);
        ParallelKernels.attend(
                z, floats(q), keyPages, valuePages, scales, pages, rowFields, step, rows, heads, dHead, pageCount);
        requireClose(z, expectedZ);

        FloatArray maps = filled(map);
        ParallelKernels.scores(
                maps, floats(q), keyPages, scales, pages, rowFields, step, rows, heads, dHead, pageCount);
        assertThat(maps.get(1)).as("a later key").isEqualTo(ParallelKernels.MASKED);
        ParallelKernels.pattern(maps, rowFields, step, rows, heads);
        requireClose(maps, expectedPattern);
        ParallelKernels.weigh(z, maps, valuePages, pages, rowFields, step, rows, heads, dHead, pageCount);
        requireClose(z, expectedZ);
    }

    private static int at(int layer, int pageCount, int[] table, int position, int d) {
        int page = layer * pageCount + table[position / ParallelKernels.PAGE];
        return (page * ParallelKernels.PAGE + position % ParallelKernels.PAGE) * d;
    }

    @Test
    void embeddingsAreSums() {
        int d = 3;
        FloatArray tokens = floats(random(7 * d));
        FloatArray positions = floats(random(5 * d));
        IntArray rows = new IntArray(2 * RowField.FIELDS);
        rows.set(RowField.TOKEN, 6);
        rows.set(RowField.POSITION, 4);
        rows.set(RowField.FIELDS + RowField.TOKEN, 0);
        rows.set(RowField.FIELDS + RowField.POSITION, 1);
        step(0, 2);
        FloatArray residual = filled(2 * d);
        ParallelKernels.embed(residual, tokens, positions, rows, step, d);
        for (int e = 0; e < d; e++) {
            assertThat(residual.get(e)).isEqualTo(tokens.get(6 * d + e) + positions.get(4 * d + e));
            assertThat(residual.get(d + e)).isEqualTo(tokens.get(e) + positions.get(d + e));
        }
        FloatArray token = filled(2 * d);
        FloatArray position = filled(2 * d);
        FloatArray sum = filled(2 * d);
        ParallelKernels.embedApart(token, position, tokens, positions, rows, step, d);
        ParallelKernels.sum(sum, token, position, step, d);
        requireClose(sum, heap(residual));
        ParallelKernels.add(sum, position, step, d);
        assertThat(sum.get(4)).isEqualTo(residual.get(4) + position.get(4));
        ParallelKernels.copy(sum, position, step, d);
        requireClose(sum, heap(position));
    }

    @Test
    void logitsAreOfTheChosenRowsAndTokens() {
        int d = 4;
        int dVocab = 9;
        FloatArray values = floats(random(5 * d));
        float[] before = heap(values);
        IntArray rows = new IntArray(5 * RowField.FIELDS);
        rows.set(RowField.CHOSEN, 1);
        rows.set(RowField.FIELDS + RowField.CHOSEN, 4);
        step(0, 2);
        ParallelKernels.gather(values, rows, step, d);
        assertThat(Arrays.copyOf(heap(values), d)).isEqualTo(Arrays.copyOfRange(before, d, 2 * d));
        assertThat(Arrays.copyOfRange(heap(values), d, 2 * d)).isEqualTo(Arrays.copyOfRange(before, 4 * d, 5 * d));

        FloatArray w = floats(random(dVocab * d));
        FloatArray bias = floats(random(dVocab));
        IntArray columns = new IntArray(dVocab);
        columns.set(0, 8);
        columns.set(1, 3);
        columns.set(2, 5);
        step.set(StepField.COLUMNS, 3);
        step.set(StepField.FIRST_ROW, 1);
        step(0, 1);
        FloatArray out = filled(4);
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

    @Test
    void headResultsSumToTheProduct() {
        int d = 6;
        int dHead = 2;
        FloatArray z = floats(random(3 * d));
        FloatArray w = floats(random(2 * d * d));
        step(1, 3);
        float[] sum = new float[3 * d];
        for (int head = 0; head < d / dHead; head++) {
            step.set(StepField.HEAD, head);
            FloatArray part = filled(3 * d);
            ParallelKernels.headResult(part, z, w, step, d, dHead);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += part.get(i);
            }
        }
        FloatArray whole = filled(3 * d);
        ParallelKernels.product(whole, z, w, new FloatArray(2 * d), step, d, d, ParallelKernels.IDENTITY);
        requireClose(whole, sum);
    }

    @Test
    void copiesTouchNothingElse() {
        FloatArray out = filled(10);
        step.set(StepField.AT, 4);
        step.set(StepField.COUNT, 3);
        ParallelKernels.load(out, FloatArray.fromElements(1, 2, 3, 4, 5), step, 5);
        assertThat(heap(out)).containsExactly(77, 77, 77, 77, 1, 2, 3, 77, 77, 77);

        FloatArray keys = FloatArray.fromElements(0, 1, 2, 3, 4, 5, 6, 7);
        FloatArray values = FloatArray.fromElements(10, 11, 12, 13, 14, 15, 16, 17);
        step.set(StepField.FROM_PAGE, 1);
        step.set(StepField.TO_PAGE, 0);
        ParallelKernels.copyPage(keys, values, step, 2, 2, 2);
        assertThat(heap(keys)).containsExactly(2, 3, 2, 3, 6, 7, 6, 7);
        assertThat(heap(values)).containsExactly(12, 13, 12, 13, 16, 17, 16, 17);
    }

    private void step(int layer, int rows) {
        step.set(StepField.LAYER, layer);
        step.set(StepField.ROWS, rows);
    }

    private float[] random(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static FloatArray floats(float[] values) {
        return FloatArray.fromArray(values);
    }

    private static FloatArray filled(int n) {
        FloatArray array = new FloatArray(n);
        array.init(UNTOUCHED);
        return array;
    }

    private static float[] heap(FloatArray array) {
        return array.toHeapArray();
    }

    private static void requireClose(FloatArray found, float[] expected) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(found.get(i))
                    .as("index " + i)
                    .isCloseTo(expected[i], within(2e-5f + 1e-5f * Math.abs(expected[i])));
        }
    }
}
