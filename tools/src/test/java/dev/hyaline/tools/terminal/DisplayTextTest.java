package dev.hyaline.tools.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DisplayTextTest {
    @Test
    void longTextIsBrokenAtBlanks() {
        assertThat(DisplayText.wrapped("one two three", 7)).containsExactly("one two", "three");
        assertThat(DisplayText.wrapped("one two three", 100)).containsExactly("one two three");
        assertThat(DisplayText.wrapped("incomprehensible a b", 5)).containsExactly("incomprehensible", "a b");
        assertThat(DisplayText.wrapped("gained 12 % of all", 10)).containsExactly("gained", "12 % of", "all");
        assertThat(DisplayText.wrapped("model  text", 100)).containsExactly("model  text");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 bytes",
        "1, 1 byte",
        "999, 999 bytes",
        "1000, 1.00 kB",
        "1234, 1.23 kB",
        "99949, 99.9 kB",
        "999499, 999 kB",
        "999500, 1.00 MB",
        "772000000, 772 MB",
        "2500000000000, 2.50 TB",
        "9000000000000000, 9000 TB",
    })
    void bytes(long bytes, String text) {
        assertThat(DisplayText.bytes(bytes)).isEqualTo(text);
    }

    @Test
    void quotedShowsWhatCannotBeSeen() {
        assertThat(DisplayText.quoted(" a\n\t\r\"\\\u0007é")).isEqualTo("\" a\\n\\t\\r\\\"\\\\\\u0007é\"");
    }

    @Test
    void figures() {
        assertThat(DisplayText.figure(0.000123456)).isEqualTo("0.0001235");
        assertThat(DisplayText.figure(-1e-9)).isEqualTo("-1.000e-09");
        assertThat(DisplayText.figure(12345678)).isEqualTo("1.235e+07");
        assertThat(DisplayText.figure(Double.NaN)).isEqualTo("-");
        assertThat(DisplayText.plural(1, "token")).isEqualTo("1 token");
        assertThat(DisplayText.plural(2345, "token")).isEqualTo("2,345 tokens");
    }
}
