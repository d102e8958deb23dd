package dev.hyaline.weights.internal.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;

class WordsTest {
    private static final Pattern GPT2 = Pattern.compile(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS);

    @Test
    void cutsAsGpt2Does() {
        assertThat(cut("Hello world!")).containsExactly("Hello", " world", "!");
        assertThat(cut("a  b   c ")).containsExactly("a", " ", " b", "  ", " c", " ");
        assertThat(cut("\n\n a\n\nb\t")).containsExactly("\n\n", " a", "\n", "\n", "b", "\t");
        assertThat(cut("I'll he'LL 's't'x'"))
                .containsExactly("I", "'ll", " he", "'", "LL", " '", "s", "'t", "'", "x", "'");
        assertThat(cut("'re've'm'd'r'v'l'"))
                .containsExactly("'re", "'ve", "'m", "'d", "'", "r", "'", "v", "'", "l", "'");
        assertThat(cut("x=1.5e3;")).containsExactly("x", "=", "1", ".", "5", "e", "3", ";");
        assertThat(cut("'")).containsExactly("'");
        assertThat(cut(" ")).containsExactly(" ");
    }

    @Test
    void knowsUnicodesBlanksLettersAndNumbers() {
        // No-break space, next line, line separator, ideographic space: blanks, but not the one that words begin with.
        for (String blank :
                List.of("\u00A0", "\u0085", "\u2028", "\u3000", "\u1680", "\u2003", "\u202F", "\u205F", "\u000B")) {
            assertThat(cut("a" + blank + "b")).containsExactly("a", blank, "b");
            assertThat(cut("a" + blank + " b")).containsExactly("a", blank, " b");
        }
        // Zero-width joiner and space, word joiner, byte order mark, file separator: none.
        for (String other : List.of("\u200D", "\u200B", "\u2060", "\uFEFF", "\u180E", "\u001C")) {
            assertThat(cut("a" + other + "!b")).containsExactly("a", other + "!", "b");
        }
        // Roman numeral eight (Nl), one half (No), Arabic three (Nd), mathematical double-struck zero (Nd).
        for (String number : List.of("\u2167", "\u00BD", "\u0663", "\uD835\uDFD8")) {
            assertThat(cut("a" + number + "1 " + number + "!")).containsExactly("a", number + "1", " " + number, "!");
        }
        // A modifier letter, a title-case letter, one outside the first plane; a combining accent is no letter.
        for (String letter : List.of("\u02B0", "\u01C5", "\uD801\uDC00", "\u65E5")) {
            assertThat(cut("a" + letter + " " + letter)).containsExactly("a" + letter, " " + letter);
        }
        assertThat(cut("e\u0301e")).containsExactly("e", "\u0301", "e");
    }

    @Provide
    Arbitrary<String> texts() {
        Arbitrary<String> pieces = Arbitraries.of(
                " ",
                "  ",
                "\n",
                "\u0085",
                "\u00A0",
                "\u2028",
                "\u3000",
                "\u200D",
                "'",
                "s",
                "re",
                "l",
                "a",
                "A",
                "7",
                "\u2167",
                "\u00BD",
                "!",
                "_",
                "\u0301",
                "\uD801\uDC00",
                "\uD83D\uDC4D");
        Arbitrary<String> any = Arbitraries.integers()
                .between(0, Character.MAX_CODE_POINT)
                .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
                .map(Character::toString);
        return Arbitraries.frequencyOf(Tuple.of(4, pieces), Tuple.of(1, any))
                .list()
                .ofMaxSize(30)
                .map(parts -> String.join("", parts));
    }

    @Property(tries = 5_000)
    void cutsAsTheExpressionDoes(@ForAll("texts") String text) {
        assertThat(cut(text))
                .isEqualTo(GPT2.matcher(text).results().map(MatchResult::group).toList());
    }

    @Test
    void everyCharacterIsOfTheKindTheExpressionSays() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
                String text =
                        "a" + Character.toString(c) + "1" + Character.toString(c) + " " + Character.toString(c) + "!";
                List<String> expected =
                        GPT2.matcher(text).results().map(MatchResult::group).toList();
                assertThat(cut(text)).as("U+%04X", c).isEqualTo(expected);
            }
        }
    }

    private static List<String> cut(String text) {
        List<String> pieces = new ArrayList<>();
        for (int at = 0; at < text.length(); ) {
            int end = Words.end(text, at);
            pieces.add(text.substring(at, end));
            at = end;
        }
        return pieces;
    }
}
