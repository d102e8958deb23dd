package dev.hyaline.tools.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

final class DecodedTextTest {
    private static final Tokenizer TOKENIZER = tokenizer();

    private static Tokenizer tokenizer() {
        try (Checkpoint fable = Checkpoint.builtIn("fable")) {
            return fable.tokenizer();
        }
    }

    private static List<String> pieces(int... tokens) {
        DecodedText decoded = new DecodedText(TOKENIZER);
        List<String> pieces = new ArrayList<>();
        for (int token : tokens) {
            pieces.add(decoded.add(token));
        }
        pieces.add(decoded.end());
        return pieces;
    }

    @Test
    void aCharacterWaitsUntilItIsWhole() {
        // Each character of this text is three or four bytes, and each byte a token.
        List<String> pieces = pieces(TOKENIZER.encode("日😀x"));
        assertThat(String.join("", pieces)).isEqualTo("日😀x");
        assertThat(pieces).noneMatch(piece -> piece.contains("\uFFFD"));
    }

    @Test
    void theReplacementCharacterIsACharacter() {
        assertThat(String.join("", pieces(TOKENIZER.encode("\uFFFD\u65E5\uFFFD\uFFFDx"))))
                .isEqualTo("\uFFFD\u65E5\uFFFD\uFFFDx");
    }

    @Property(tries = 300)
    void piecesTogetherAreTheText(@ForAll @StringLength(max = 30) String text) {
        String valid = text.replaceAll("[\\ud800-\\udfff]", "?");
        assertThat(String.join("", pieces(TOKENIZER.encode(valid)))).isEqualTo(valid);
    }

    /** The bytes A1 A1 E0 A1 A1: the last three are a character. */
    @Test
    void aCharacterAfterBrokenBytesIsNotTornApart() {
        assertThat(String.join("", pieces(94, 94, 156, 94, 94))).isEqualTo("\uFFFD\uFFFD\u0861");
        assertThat(String.join("", pieces(742, 1056, 689, 106, 164, 131, 165, 121, 123))
                        .replace("\uFFFD", ""))
                .isEqualTo("ation Mad frog齿");
    }

    @Property(tries = 300)
    void bytesThatAreNoCharactersAreShownInTheEnd(@ForAll @Size(max = 12) List<@IntRange(max = 1535) Integer> tokens) {
        int[] ids = tokens.stream().mapToInt(Integer::intValue).toArray();
        String whole = TOKENIZER.decode(ids).replace("\uFFFD", "");
        assertThat(String.join("", pieces(ids)).replace("\uFFFD", "")).isEqualTo(whole);
    }
}
