package dev.hyaline.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.error.BadShapeException;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

final class SummaryStatisticsTest {
    private static SummaryStatistics of(float... values) {
        SummaryStatistics statistics = new SummaryStatistics();
        statistics.add(values, 0, values.length);
        return statistics;
    }

    @Test
    void handComputed() {
        SummaryStatistics statistics = of(2, 4, 4, 4, 5, 5, 7, -9);
        assertThat(statistics.count()).isEqualTo(8);
        assertThat(statistics.mean()).isEqualTo(2.75);
        assertThat(statistics.standardDeviation()).isCloseTo(Math.sqrt(171.5 / 8), within(1e-14));
        assertThat(statistics.largestMagnitude()).isEqualTo(9);
    }

    @Test
    void aLargeMeanDoesNotDrownTheSpread() {
        // Around 2^23 floats are 1 apart; the naive sum of squares would need 46 bits and more.
        SummaryStatistics statistics = new SummaryStatistics();
        for (int piece = 0; piece < 1000; piece++) {
            statistics.add(new float[] {0, 8388607, 8388608, 8388609, 0}, 1, 3);
        }
        assertThat(statistics.mean()).isEqualTo(8388608);
        assertThat(statistics.standardDeviation()).isCloseTo(Math.sqrt(2.0 / 3), within(1e-12));
    }

    @Test
    void valuesThatAreNotFiniteAreCountedAndLeftOut() {
        SummaryStatistics statistics =
                of(1, Float.NEGATIVE_INFINITY, 3, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
        assertThat(statistics.count()).isEqualTo(2);
        assertThat(statistics.masked()).isEqualTo(2);
        assertThat(statistics.notFinite()).isEqualTo(2);
        assertThat(statistics.mean()).isEqualTo(2);
        assertThat(statistics.standardDeviation()).isEqualTo(1);
        assertThat(statistics.largestMagnitude()).isEqualTo(3);
    }

    @Test
    void nothingHasNoMean() {
        SummaryStatistics statistics = of(Float.NEGATIVE_INFINITY);
        assertThat(statistics.mean()).isNaN();
        assertThat(statistics.standardDeviation()).isNaN();
        assertThat(statistics.largestMagnitude()).isNaN();
    }

    @Property
    void piecesDoNotMatter(
            @ForAll @Size(min = 1, max = 60) List<@FloatRange(min = -1000, max = 1000) Float> list,
            @ForAll @IntRange(min = 1, max = 7) int piece) {
        float[] values = new float[list.size()];
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            values[i] = list.get(i);
            sum += values[i];
        }
        double mean = sum / values.length;
        double squares = 0;
        for (float value : values) {
            squares += (value - mean) * (value - mean);
        }
        SummaryStatistics statistics = new SummaryStatistics();
        for (int i = 0; i < values.length; i += piece) {
            statistics.add(values, i, Math.min(piece, values.length - i));
        }
        assertThat(statistics.mean()).isCloseTo(mean, within(1e-9));
        assertThat(statistics.standardDeviation()).isCloseTo(Math.sqrt(squares / values.length), within(1e-9));
    }

    @Test
    void anArrayThatIsTooShortIsRefused() {
        SummaryStatistics statistics = new SummaryStatistics();
        for (int[] part : new int[][] {{-1, 1}, {0, 4}, {3, 1}, {0, -1}, {1, Integer.MAX_VALUE}}) {
            assertThatThrownBy(() -> statistics.add(new float[3], part[0], part[1]))
                    .isInstanceOf(BadShapeException.class)
                    .hasMessageContaining(part[1] + " from index " + part[0])
                    .hasMessageContaining("an array of 3");
        }
        assertThat(statistics.count()).isZero();
    }
}
