package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.error.BadInputException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

class TokenizerPropertyTest {
    private static final Tokenizer GPT2 = Tokenizer.gpt2();
    private static final Tokenizer FABLE = fable();

    private static Tokenizer fable() {
        try (Checkpoint fable = Checkpoint.builtIn("fable")) {
            return fable.tokenizer();
        }
    }

    /** Well-formed text: any characters, with those that tokenizers treat apart much more often than by chance. */
    @Provide
    Arbitrary<String> texts() {
        Arbitrary<String> any = Arbitraries.integers()
                .between(0, Character.MAX_CODE_POINT)
                .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
                .map(Character::toString);
        Arbitrary<String> ascii = Arbitraries.chars().range(' ', '~').map(String::valueOf);
        Arbitrary<String> apart = Arbitraries.of(
                " ",
                "  ",
                "\n",
                "\t",
                "\r\n",
                "\u0085",
                "\u00A0",
                "\u2028",
                "\u3000",
                "\u200D",
                "'s",
                "'ll",
                "<|endoftext|>",
                "\u0301",
                "\u2167",
                "\u00BD",
                "\u0663",
                "\uFFFD",
                "\uD83D\uDC4D",
                "\0");
        return Arbitraries.oneOf(any, ascii, apart).list().ofMaxSize(60).map(parts -> String.join("", parts));
    }

    @Property
    void decodingUndoesEncoding(@ForAll("texts") String text) {
        for (Tokenizer tokenizer : new Tokenizer[] {GPT2, FABLE}) {
            int[] ids = tokenizer.encode(text);
            assertThat(tokenizer.decode(ids)).isEqualTo(text);
            assertThat(Arrays.stream(ids).boxed()).allMatch(id -> id >= 0 && id < tokenizer.vocabularySize());
        }
    }

    @Property
    void tokensOneByOneAreTheTextWhereNoCharacterIsCut(@ForAll("texts") String text) {
        String ascii =
                text.chars().filter(c -> c < 0x80).mapToObj(Character::toString).collect(Collectors.joining());
        for (Tokenizer tokenizer : new Tokenizer[] {GPT2, FABLE}) {
            assertThat(Arrays.stream(tokenizer.encode(ascii))
                            .mapToObj(tokenizer::token)
                            .collect(Collectors.joining()))
                    .isEqualTo(ascii);
        }
    }

    @Property
    void halvesOfSurrogatePairsAreRefused(@ForAll("texts") String before, @ForAll("texts") String after) {
        for (String half : new String[] {"\uD83D", "\uDC4D"}) {
            assertThatExceptionOfType(BadInputException.class)
                    .isThrownBy(() -> FABLE.encode(before + half + "x" + after))
                    .withMessage("text must be well-formed Unicode, found half a surrogate pair at " + before.length());
        }
    }

    @Example
    void bytesOfHalfACharacterReadAsReplacements() {
        assertThat(GPT2.decode(15496, 447, 995)).isEqualTo("Hello\uFFFD world");
        assertThat(GPT2.token(50256)).isEqualTo("<|endoftext|>");
        assertThat(GPT2.token(447)).isEqualTo("\uFFFD"); // two bytes of three
        assertThat(GPT2.bytes(447)).hasValue(new byte[] {(byte) 0xE2, (byte) 0x80});
        assertThat(GPT2.bytes(262)).hasValue(" the".getBytes(StandardCharsets.UTF_8));
        assertThat(GPT2.decode()).isEmpty();
    }

    @Example
    void idsOutsideTheVocabularyAreRefused() {
        for (int id : new int[] {-1, 50257, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            for (ThrowingCallable use :
                    List.<ThrowingCallable>of(() -> GPT2.decode(1, id), () -> GPT2.token(id), () -> GPT2.bytes(id))) {
                assertThatExceptionOfType(BadInputException.class)
                        .isThrownBy(use)
                        .withMessage("a token id must be from 0 to 50256, found " + id);
            }
        }
    }

    @Example
    void gpt2HasItsSize() {
        assertThat(GPT2.vocabularySize()).isEqualTo(50257);
        assertThat(GPT2.endOfText()).isEqualTo(50256);
        assertThat(GPT2.encode("<|endoftext|>The<|endoftext|><|endoftext"))
                .startsWith(50256, 464, 50256)
                .hasSizeGreaterThan(4);
    }
}
