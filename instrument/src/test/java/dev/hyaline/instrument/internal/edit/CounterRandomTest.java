package dev.hyaline.instrument.internal.edit;

import static org.assertj.core.api.Assertions.assertThat;

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
}
