package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What single heads read and write, by kernels as ordinary Java; needs no device. */
final class HeadKernelsTest {
    private static final int HEADS = 3;
    private static final int D = 6;
    private static final int ROWS = 4;
    private static final int CAPACITY = 5;
    private static final int LAYERS = 2;

    private final KernelData data = new KernelData(11);
    private final IntArray step = data.step;

    @Test
    void resultsSumToTheAttentionOutput() {
        FloatArray z = data.randomArray(ROWS * D);
        FloatArray w = data.randomArray(LAYERS * D * D);
        FloatArray bias = data.randomArray(LAYERS * D);
        data.step(1, ROWS);
        FloatArray parts = KernelData.filled(ROWS * HEADS * D);
        HeadKernels.results(parts, z, w, step, D, HEADS);
        FloatArray sum = KernelData.filled(ROWS * D + 1);
        HeadKernels.sumResults(sum, parts, bias, step, D, HEADS);
        FloatArray whole = KernelData.filled(ROWS * D);
        ParallelKernels.product(whole, z, w, bias, step, D, D, ParallelKernels.IDENTITY);
        KernelData.requireClose(sum, whole.toHeapArray());
        assertThat(sum.get(ROWS * D)).isEqualTo(KernelData.UNTOUCHED);
    }

    /**
     * The residual stream given to every head makes the projection that all rows have; another row given to one head
     * changes that head alone.
     */
    @Test
    void headsProjectWhatTheyRead() {
        FloatArray residual = data.randomArray(ROWS * D);
        FloatArray gains = data.randomArray(5 * D);
        FloatArray biases = data.randomArray(5 * D);
        FloatArray w = data.randomArray(LAYERS * 3 * D * D);
        FloatArray bias = data.randomArray(LAYERS * 3 * D);
        float eps = 1e-5f;
        data.step(1, ROWS);
        FloatArray normed = KernelData.filled(ROWS * D);
        FloatArray scales = KernelData.filled(ROWS);
        ParallelKernels.norm(normed, scales, residual, gains, biases, step, CAPACITY, D, 2, 0, eps);
        FloatArray expected = KernelData.filled(3 * CAPACITY * D);
        ParallelKernels.project(expected, normed, w, bias, step, D, CAPACITY);

        int slot = ROWS * HEADS * D;
        FloatArray room = KernelData.filled(3 * slot);
        step.set(StepField.TO, slot);
        HeadKernels.spread(room, residual, step, D, HEADS);
        step.set(StepField.FROM, slot);
        step.set(StepField.TO, 2 * slot);
        HeadKernels.copy(room, step, HEADS * D);
        assertThat(room.get(0)).isEqualTo(KernelData.UNTOUCHED);
        assertThat(room.get(2 * slot + (2 * HEADS + 1) * D + 3)).isEqualTo(residual.get(2 * D + 3));
        int changed = 2 * slot + (2 * HEADS + 1) * D;
        for (int e = 0; e < D; e++) {
            room.set(changed + e, residual.get(e)); // the second head of row 2 reads row 0
        }
        HeadKernels.norm(room, gains, biases, step, CAPACITY, D, HEADS, 2, 0, eps);
        FloatArray found = KernelData.filled(3 * CAPACITY * D);
        step.set(StepField.FROM, 2 * slot);
        for (int part = 0; part < 3; part++) {
            step.set(StepField.TO, part * CAPACITY * D);
            HeadKernels.project(found, room, w, bias, step, CAPACITY, D, HEADS);
            for (int j = D / HEADS; j < 2 * (D / HEADS); j++) {
                int row = part * CAPACITY * D;
                expected.set(row + 2 * D + j, expected.get(row + j));
            }
        }
        KernelData.requireClose(found, expected.toHeapArray());
    }
}
