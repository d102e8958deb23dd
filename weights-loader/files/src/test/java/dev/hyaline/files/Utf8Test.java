package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8Test {
    /** What Rust's from_utf8_lossy and Python's errors="replace" make of broken bytes. */
    @ParameterizedTest
    @CsvSource({
        "'', ''",
        "41 C3 A9 E6 97 A5 F0 9F 91 8D, A\u00E9\u65E5\uD83D\uDC4D",
        "80, ?",
        "BF BF, ??",
        "C0 80, ??", // overlong
        "C1 BF, ??",
        "C3, ?",
        "C3 41, ?A",
        "E6 97, ?",
        "E6 97 41, ?A",
        "E0 80 80, ???", // overlong
        "E0 9F BF, ???",
        "E0 A0, ?",
        "ED A0 80, ???", // a surrogate
        "ED 9F BF, \uD7FF",
        "EE 80 80, \uE000",
        "EF BF BF, \uFFFF",
        "F0 80 80 80, ????", // overlong
        "F0 90 80 80, \uD800\uDC00",
        "F0 9F 91, ?",
        "F0 9F 91 C3 A9, ?\u00E9",
        "F4 8F BF BF, \uDBFF\uDFFF",
        "F4 90 80 80, ????", // past U+10FFFF
        "F5 80 80 80, ????",
        "FF FE, ??",
        "F0 9F F0 9F 91 8D, ?\uD83D\uDC4D"
    })
    void replacesEachLongestBrokenPrefixOnce(String hex, String text) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        assertThat(Utf8.lossy(bytes)).isEqualTo(text.replace('?', '\uFFFD'));
    }

    @Property
    void readsWhatIsWellFormed(@ForAll String text) {
        // jqwik makes halves of surrogate pairs as well, which getBytes replaces by question marks.
        byte[] bytes = text.getBytes(UTF_8);
        assertThat(Utf8.lossy(bytes)).isEqualTo(new String(bytes, UTF_8));
        assertThat(Utf8.loneSurrogate(text) < 0).isEqualTo(UTF_8.newEncoder().canEncode(text));
    }

    @Test
    void findsHalvesOfSurrogatePairs() {
        assertThat(Utf8.loneSurrogate("")).isEqualTo(-1);
        assertThat(Utf8.loneSurrogate("a\uD83D\uDC4D")).isEqualTo(-1);
        assertThat(Utf8.loneSurrogate("a\uD83D")).isEqualTo(1);
        assertThat(Utf8.loneSurrogate("\uDC4D\uD83D")).isZero();
        assertThat(Utf8.loneSurrogate("\uD83D\uDC4D\uDC4D")).isEqualTo(2);
        assertThat(Utf8.loneSurrogate("\uD83D\uD83D\uDC4D")).isZero();
    }
}
