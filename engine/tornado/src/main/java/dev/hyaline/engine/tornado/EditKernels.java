package dev.hyaline.engine.tornado;

import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Changes of values in place, as {@link ParallelKernels} are. Edits find their factor and floor in the first staged
 * values, then their directions, then addends; places are described by {@link PlaceField}s, and the columns to change
 * are listed.
 */
final class EditKernels {
    /** Most threads at once; each takes every so manieth value. */
    static final int THREADS = 1 << 14;

    /** Indices of an edit's factor and of the least value it may leave. */
    static final int FACTOR = 0;

    static final int FLOOR = 1;
    /** Index of the first direction, or else of the first addend. */
    static final int STAGED = 2;

    private EditKernels() {}

    /** {@code out[to + i] = staged[i]} for {@code count} values. */
    public static void load(FloatArray out, FloatArray staged, IntArray step, int capacity) {
        for (@Parallel int i = 0; i < capacity; i++) {
            if (i < step.get(StepField.COUNT)) {
                out.set(step.get(StepField.TO) + i, staged.get(i));
            }
        }
    }

    /** {@code x = factor x + addend}, not below a floor. A factor of 0 forgets {@code x}. */
    public static void edit(FloatArray values, FloatArray staged, IntArray places, IntArray columns, IntArray step) {
        for (@Parallel int thread = 0; thread < THREADS; thread++) {
            int width = step.get(StepField.COUNT);
            float factor = staged.get(FACTOR);
            float floor = staged.get(FLOOR);
            for (int i = thread; i < step.get(StepField.PLACES) * width; i += THREADS) {
                int place = i / width * PlaceField.FIELDS;
                int column = columns.get(i % width);
                if (column < places.get(place + PlaceField.LENGTH)) {
                    int at = places.get(place + PlaceField.AT) + column;
                    int addend = places.get(place + PlaceField.OTHER);
                    float value = 0f;
                    if (factor != 0f) {
                        value = factor * values.get(at);
                    }
                    if (addend > 0) {
                        value = value + staged.get(addend + i % width);
                    }
                    if (value < floor) {
                        value = floor;
                    }
                    values.set(at, value);
                }
            }
        }
    }

    /**
     * The part of {@link #edit} that lies along orthonormal directions, a place a thread; all its columns are listed.
     */
    public static void editAlong(FloatArray values, FloatArray staged, IntArray places, IntArray step, int capacity) {
        for (@Parallel int p = 0; p < capacity; p++) {
            if (p < step.get(StepField.PLACES)) {
                int width = step.get(StepField.COUNT);
                float factor = staged.get(FACTOR) - 1f;
                int at = places.get(p * PlaceField.FIELDS + PlaceField.AT);
                int addend = places.get(p * PlaceField.FIELDS + PlaceField.OTHER);
                for (int k = 0; k < step.get(StepField.DIRECTIONS); k++) {
                    int direction = STAGED + k * width;
                    float along = 0f;
                    for (int e = 0; e < width; e++) {
                        float change = factor * values.get(at + e);
                        if (addend > 0) {
                            change = change + staged.get(addend + e);
                        }
                        along += change * staged.get(direction + e);
                    }
                    for (int e = 0; e < width; e++) {
                        values.set(at + e, values.get(at + e) + along * staged.get(direction + e));
                    }
                }
            }
        }
    }

    /** Exchanges two places. */
    public static void swap(FloatArray values, IntArray places, IntArray columns, IntArray step) {
        for (@Parallel int thread = 0; thread < THREADS; thread++) {
            int width = step.get(StepField.COUNT);
            for (int i = thread; i < step.get(StepField.PLACES) * width; i += THREADS) {
                int place = i / width * PlaceField.FIELDS;
                int column = columns.get(i % width);
                if (column < places.get(place + PlaceField.LENGTH)) {
                    int one = places.get(place + PlaceField.AT) + column;
                    int other = places.get(place + PlaceField.OTHER) + column;
                    float value = values.get(one);
                    values.set(one, values.get(other));
                    values.set(other, value);
                }
            }
        }
    }
}
