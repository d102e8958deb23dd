package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CounterRandomTest {
    @Test
    void gaussiansAreNormal() {
        CounterRandom random = CounterRandom.of(5).with(3);
        double sum = 0;
        double squares = 0;
        int n = 100_000;
        for (int i = 0; i < n; i++) {
            double x = random.gaussian(i);
            sum += x;
            squares += x * x;
        }
        assertThat(sum / n).isBetween(-0.015, 0.015);
        assertThat(squares / n).isBetween(0.98, 1.02);
    }

    /** Numbers computed once by another program of the same definition. */
    @Test
    void streamsIndicesPermutationsAndFlipsAreThoseOfTheDefinition() {
        CounterRandom random = CounterRandom.of(20261128);
        assertThat(random.bits(0)).isEqualTo(2296721722271791920L);
        assertThat(CounterRandom.stream("bootstrap")).isEqualTo(3691831142125283944L);
        CounterRandom replicate = random.named("bootstrap").with(7);
        assertThat(replicate.bits(0)).isEqualTo(-3910453708070864259L);
        assertThat(IntStream.range(0, 8).map(j -> replicate.index(j, 10))).containsExactly(7, 8, 2, 0, 7, 9, 2, 3);
        assertThat(replicate.permutation(8)).containsExactly(7, 4, 3, 2, 0, 1, 5, 6);
        assertThat(IntStream.of(0, 1, 2, 62, 63, 64, 69).mapToObj(replicate::flip))
                .containsExactly(true, false, true, true, true, false, false);
    }

    @Property
    void permutationsHoldEveryPlaceOnce(@ForAll long seed, @ForAll @IntRange(min = 0, max = 200) int n) {
        assertThat(CounterRandom.of(seed).permutation(n))
                .containsExactlyInAnyOrder(IntStream.range(0, n).toArray());
    }
}
