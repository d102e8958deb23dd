package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.ScalarKernels;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Attention's parallel kernels as ordinary Java; needs no device. */
final class AttentionKernelsTest {
    private static final Kernels SCALAR = new ScalarKernels();
    private static final float UNTOUCHED = KernelData.UNTOUCHED;

    private final KernelData data = new KernelData(7);
    private final IntArray step = data.step;

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
        FloatArray keyPages = data.randomArray(layers * pageCount * AttentionKernels.PAGE * d);
        FloatArray valuePages = data.randomArray(layers * pageCount * AttentionKernels.PAGE * d);
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
        data.step(layer, rows);
        int capacity = rows + 2;
        FloatArray qkv = data.randomArray(3 * capacity * d);
        float[] q = Arrays.copyOf(qkv.toHeapArray(), rows * d);
        AttentionKernels.store(keyPages, valuePages, qkv, pages, rowFields, step, d, capacity, pageCount);

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
        // A row's key and value, where its position is.
        int last = at(layer, pageCount, pageTables[1], 33, d);
        assertThat(keyPages.get(last + 2)).isEqualTo(qkv.get((capacity + 21) * d + 2));

        assertThat(valuePages.get(last + 2)).isEqualTo(qkv.get((2 * capacity + 21) * d + 2));

        FloatArray scales = FloatArray.fromElements(UNTOUCHED, scale);
        FloatArray z = KernelData.filled((rows + 3) * d);
        AttentionKernels.attend(
                z, qkv, keyPages, valuePages, scales, pages, rowFields, step, rows, heads, dHead, pageCount);
        KernelData.requireClose(z, expectedZ);

        FloatArray maps = KernelData.filled(map);
        AttentionKernels.scores(maps, qkv, keyPages, scales, pages, rowFields, step, rows, heads, dHead, pageCount);
        assertThat(maps.get(1)).as("a later key").isEqualTo(AttentionKernels.MASKED);
        AttentionKernels.pattern(maps, rowFields, step, rows, heads);
        KernelData.requireClose(maps, expectedPattern);
        AttentionKernels.weigh(z, maps, valuePages, pages, rowFields, step, rows, heads, dHead, pageCount);
        KernelData.requireClose(z, expectedZ);
    }

    private static int at(int layer, int pageCount, int[] table, int position, int d) {
        int page = layer * pageCount + table[position / AttentionKernels.PAGE];
        return (page * AttentionKernels.PAGE + position % AttentionKernels.PAGE) * d;
    }

    @Test
    void pagesAreCopiedInEveryLayer() {
        FloatArray keys = FloatArray.fromElements(0, 1, 2, 3, 4, 5, 6, 7);
        FloatArray values = FloatArray.fromElements(10, 11, 12, 13, 14, 15, 16, 17);
        step.set(StepField.FROM_PAGE, 1);
        step.set(StepField.TO_PAGE, 0);
        AttentionKernels.copyPage(keys, values, step, 2, 2, 2);
        assertThat(keys.toHeapArray()).containsExactly(2, 3, 2, 3, 6, 7, 6, 7);
        assertThat(values.toHeapArray()).containsExactly(12, 13, 12, 13, 16, 17, 16, 17);
    }
}
