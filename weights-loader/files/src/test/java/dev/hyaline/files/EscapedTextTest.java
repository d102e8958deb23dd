package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class EscapedTextTest {
    @ParameterizedTest
    @CsvSource({
        "E280, \\xE2\\x80",
        "20E280, ' \\xE2\\x80'",
        "E697A5, 日",
        "99E697A5E6, \\x99日\\xE6",
        "EFBFBD, \uFFFD",
        "5C784532, \\\\xE2",
        "C2A0, \\u00a0",
        "E280AE, \\u202e",
        "E2808D, \\u200d",
        "CC81, \\u0301",
        "65CC81, e\u0301",
        "F3A08081, \\U000e0001",
        "EDA080, \\xED\\xA0\\x80",
        "0A, \\n"
    })
    void bytesAreSeenForWhatTheyAre(String hex, String shown) {
        assertThat(EscapedText.bytes(HexFormat.of().parseHex(hex))).isEqualTo(shown);
    }

    /** What is shown leads back to the bytes, so that no two byte strings look alike. */
    @Property(tries = 2000)
    void nothingIsAmbiguous(@ForAll @Size(max = 6) byte[] bytes, @ForAll @StringLength(max = 4) String text) {
        String valid = text.replaceAll("[\\ud800-\\udfff]", "\\\\");
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(bytes);
        both.writeBytes(valid.getBytes(UTF_8));
        String shown = EscapedText.bytes(both.toByteArray());
        assertThat(shown.chars()).noneMatch(Character::isISOControl);
        assertThat(unescaped(shown)).isEqualTo(both.toByteArray());
    }

    private static byte[] unescaped(String shown) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < shown.length(); ) {
            int c = shown.codePointAt(i);
            i += Character.charCount(c);
            if (c != '\\') {
                bytes.writeBytes(Character.toString(c).getBytes(UTF_8));
                continue;
            }
            char kind = shown.charAt(i++);
            int digits = "xuU".indexOf(kind) < 0 ? 0 : 2 << "xuU".indexOf(kind);
            if (digits == 0) {
                bytes.write("nrt".indexOf(kind) < 0 ? kind : "\n\r\t".charAt("nrt".indexOf(kind)));
                continue;
            }
            int value = Integer.parseInt(shown.substring(i, i + digits), 16);
            i += digits;
            if (kind == 'x') {
                bytes.write(value);
            } else {
                bytes.writeBytes(Character.toString(value).getBytes(UTF_8));
            }
        }
        return bytes.toByteArray();
    }
}
