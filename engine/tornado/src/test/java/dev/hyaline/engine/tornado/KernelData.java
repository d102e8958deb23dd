package dev.hyaline.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What kernels are tried on. */
final class KernelData {
    static final float UNTOUCHED = 77;

    final IntArray step = new IntArray(StepField.FIELDS);
    private final Random random;

    KernelData(long seed) {
        random = new Random(seed);
    }

    void step(int layer, int rows) {
        step.set(StepField.LAYER, layer);
        step.set(StepField.ROWS, rows);
    }

    float[] random(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    FloatArray randomArray(int n) {
        return FloatArray.fromArray(random(n));
    }

    static FloatArray filled(int n) {
        FloatArray array = new FloatArray(n);
        array.init(UNTOUCHED);
        return array;
    }

    static void requireClose(FloatArray found, float[] expected) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(found.get(i))
                    .as("index " + i)
                    .isCloseTo(expected[i], within(2e-5f + 1e-5f * Math.abs(expected[i])));
        }
    }
}
