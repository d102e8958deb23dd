package dev.hyaline.analysis.sparse.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TopSelectionTest {
    /** Values with and without ties, and those that are no numbers. */
    @Test
    void theKthLargestIsThatOfTheSortedValues() {
        SplittableRandom random = new SplittableRandom(1);
        for (int time = 0; time < 2000; time++) {
            int count = random.nextInt(1, 140);
            int different = random.nextInt(1, 200);
            float[] values = new float[count + 3];
            for (int i = 0; i < count; i++) {
                values[i] = random.nextInt(different) - 40f;
            }
            float[] sorted = Arrays.copyOf(values, count);
            Arrays.sort(sorted);
            int k = random.nextInt(1, count + 1);
            assertThat(TopSelection.kthLargest(values, count, k)).isEqualTo(sorted[count - k]);
            float[] left = Arrays.copyOf(values, count);
            Arrays.sort(left);
            assertThat(left).isEqualTo(sorted);
            assertThat(values[count]).isZero();
        }
        float[] none = {Float.NaN, Float.NaN, 1, Float.NaN};
        assertThat(TopSelection.kthLargest(none, 4, 3)).isNotEqualTo(2f);
    }
}
