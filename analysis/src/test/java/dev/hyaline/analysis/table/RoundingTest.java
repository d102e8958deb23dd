package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoundingTest {
    private static List<String> texts(int digits, double... values) {
        Rounding rounding = Rounding.of(values, digits);
        return Arrays.stream(values).mapToObj(rounding::text).toList();
    }

    @Test
    void numbersOfASetHaveTheSameDecimals() {
        assertThat(texts(3, 5.319, -0.001, -9.6e-5, 0, -0.0, 0.42))
                .containsExactly("5.32", "-0.001", "-1e-4", "0", "0", "0.42");
        assertThat(texts(3, -13.84, 0.7, Double.NaN)).containsExactly("-13.8", "0.7", "-");
        assertThat(texts(3, 0.0123, -0.5e-3)).containsExactly("0.0123", "-0.0005");
        assertThat(texts(4, 1234.4, 0.6, 0.4)).containsExactly("1234", "1", "0.4");
    }

    @Test
    void largeAndSmallOnesHavePowersOfTen() {
        assertThat(texts(2, 3.94e-4, -1e-10, -1e-12, 0)).containsExactly("3.9e-4", "-1.0e-10", "0", "0");
        assertThat(texts(3, 1.234e6, -5)).containsExactly("1.23e6", "-5.00e0");
        assertThat(texts(1, 123456, 3)).containsExactly("123456", "3");
    }

    @Test
    void smallOnesAreNeverRoundedToZero() {
        assertThat(texts(3, 27.1, 1e-4, 0.0004, -0.03, 2.8e-6))
                .containsExactly("27.1", "1e-4", "4e-4", "-0.03", "3e-6");
        assertThat(texts(3, 27.1, 2.6e-6, -1e-15)).containsExactly("27.1", "0", "0");
    }

    @Test
    void aDigitOfItsOwnMayCarry() {
        assertThat(texts(3, 500, 0.0096, 0.95)).containsExactly("500", "0.01", "1");
    }

    @Test
    void whatIsLessThanHalfTheLastDigitVanishes() {
        Rounding rounding = Rounding.of(new double[] {5}, 3);
        assertThat(rounding.vanishes(0.0049)).isTrue();
        assertThat(rounding.vanishes(0.0051)).isFalse();
        assertThat(rounding.vanishes(0)).isFalse();
        assertThat(Rounding.of(new double[] {0, Double.NaN}, 3).text(0)).isEqualTo("0");
    }
}
