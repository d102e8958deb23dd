package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Edits by kernels as ordinary Java; needs no device. */
final class EditKernelsTest {
    private static final float NO_FLOOR = Float.NEGATIVE_INFINITY;

    private final IntArray step = new IntArray(StepField.FIELDS);

    /** Columns 1 and 3 of two places, the second of which has only three values. */
    private final IntArray columns = IntArray.fromElements(1, 3);

    private final IntArray places = IntArray.fromElements(0, 4, 2, 4, 3, 4);

    private FloatArray edited(float... staged) {
        step.set(StepField.PLACES, 2);
        step.set(StepField.COUNT, 2);
        FloatArray values = FloatArray.fromElements(10, 11, 12, 13, 14, 15, 16, 17);
        EditKernels.edit(values, FloatArray.fromArray(staged), places, columns, step);
        return values;
    }

    @Test
    void editsScaleAndAddInChosenColumns() {
        assertThat(edited(2, NO_FLOOR, 100, 200, 300, 400).toHeapArray())
                .containsExactly(10, 122, 12, 226, 14, 330, 16, 17);
    }

    @Test
    void aFactorOfZeroForgetsWhateverWasThere() {
        FloatArray values = FloatArray.fromElements(1, Float.NaN, 2, Float.POSITIVE_INFINITY, 3, 4, 5, 6);
        step.set(StepField.PLACES, 1);
        step.set(StepField.COUNT, 2);
        EditKernels.edit(values, FloatArray.fromElements(0, NO_FLOOR, 7, 8), places, columns, step);
        assertThat(values.toHeapArray()).containsExactly(1, 7, 2, 8, 3, 4, 5, 6);
    }

    @Test
    void placesWithoutAnAddendAreScaledOnlyAndNoneFallsBelowTheFloor() {
        places.set(PlaceField.OTHER, 0);
        assertThat(edited(-1, -12, 100, 200, -300, 400).toHeapArray())
                .containsExactly(10, -11, 12, -12, 14, -12, 16, 17);
    }

    @Test
    void editsAlongDirectionsKeepTheRest() {
        FloatArray values = FloatArray.fromElements(9, 1, 2, 3, 4, 5, 6);
        // A factor of 0 along (0.6, 0.8, 0) and along (0, 0, 1), then with an addend.
        FloatArray staged = FloatArray.fromElements(0, NO_FLOOR, 0.6f, 0.8f, 0, 0, 0, 1, 10, 20, 30);
        IntArray two = IntArray.fromElements(1, 3, 0, 4, 3, 8);
        step.set(StepField.PLACES, 2);
        step.set(StepField.COUNT, 3);
        step.set(StepField.DIRECTIONS, 2);
        EditKernels.editAlong(values, staged, two, step, 5);
        KernelData.requireClose(
                values, new float[] {9, 1 - 0.6f * 2.2f, 2 - 0.8f * 2.2f, 0, 4 + 0.6f * 15.6f, 5 + 0.8f * 15.6f, 30});
    }

    @Test
    void placesAreExchangedInChosenColumns() {
        FloatArray values = FloatArray.fromElements(10, 11, 12, 13, 14, 15, 16, 17);
        step.set(StepField.PLACES, 1);
        step.set(StepField.COUNT, 2);
        EditKernels.swap(values, IntArray.fromElements(0, 4, 4), columns, step);
        assertThat(values.toHeapArray()).containsExactly(10, 15, 12, 17, 14, 11, 16, 13);
    }

    @Test
    void loadsTouchNothingElse() {
        FloatArray out = KernelData.filled(10);
        step.set(StepField.TO, 4);
        step.set(StepField.COUNT, 3);
        EditKernels.load(out, FloatArray.fromElements(1, 2, 3, 4, 5), step, 5);
        assertThat(out.toHeapArray()).containsExactly(77, 77, 77, 77, 1, 2, 3, 77, 77, 77);
    }
}
