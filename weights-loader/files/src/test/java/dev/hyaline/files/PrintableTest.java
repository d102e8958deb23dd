package dev.hyaline.files;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PrintableTest {
    @Test
    void textIsQuotedShortAndOnOneLine() {
        assertThat(Printable.quoted("a tensor")).isEqualTo("\"a tensor\"");
        assertThat(Printable.plain("line\nline\u202e\ud800é😀")).isEqualTo("line\\u000aline\\u202e\\ud800é😀");
        assertThat(Printable.plain("x".repeat(81))).isEqualTo("x".repeat(80) + "...");
        assertThat(Printable.plain("x".repeat(80))).isEqualTo("x".repeat(80));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Unexpected token%n at [Source: REDACTED (`X` disabled); line: 3, column: 7]"
                        + " | Unexpected token at line 3, column 7",
                "Unexpected end: expected close marker for Object (start marker at [Source: (String)\"{\"; line: 1,"
                        + " column: 1])%n at [Source: (String)\"{\"; line: 1, column: 2]"
                        + " | Unexpected end: expected close marker for Object (start marker at line 1, column 1) at"
                        + " line 1, column 2",
                "Too deep%n at [Source: UNKNOWN; byte offset: #UNKNOWN] | Too deep",
                "No place at all | No place at all"
            })
    void aParsersPlacesBecomeLinesAndColumns(String message, String shown) {
        assertThat(Printable.parserMessage(new IllegalStateException(message.formatted())))
                .isEqualTo(shown);
    }

    @Test
    void aParsersMessageStaysOneSentence() {
        assertThat(Printable.parserMessage(new IllegalStateException("Duplicate\tkey '" + "x".repeat(1000) + "'")))
                .startsWith("Duplicate\\u0009key 'xxx")
                .hasSizeLessThan(320)
                .endsWith("...");
    }
}
