package dev.hyaline.weights.internal.tokens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.TinyTokenizer;
import dev.hyaline.weights.Tokenizer;
import dev.hyaline.weights.internal.DiskFolder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BytePairEncoderTest {
    @TempDir
    Path directory;

    /** Two implementations of GPT-2's vocabulary: jtokkit's, and ours with the merges that follow from the ranks. */
    @Test
    void encodesGpt2sVocabularyAsJtokkitDoes() {
        Tokenizer gpt2 = Tokenizer.gpt2();
        BytePairEncoder encoder = gpt2FromRanks();
        Random random = new Random(1);
        for (int i = 0; i < 2_000; i++) {
            String text = randomText(random);
            IntList tokens = new IntList();
            encoder.encode(text, tokens);
            assertThat(tokens.toArray()).as(text).containsExactly(gpt2.encode(text));
        }
    }

    @Test
    void mergesTheLeastRankFirstAndFromTheLeft() {
        assertThat(encode("aaaaa")).containsExactly("aa", "aaa"); // aa aa a, and only then aaa
        assertThat(encode(" the other")).containsExactly("\u0120the", "\u0120", "o", "the", "r");
        assertThat(encode(" wor word")).containsExactly("\u0120wor", "\u0120word");
        assertThat(encode("I'll")).containsExactly("I", "'ll");
        assertThat(encode("")).isEmpty();
    }

    /** Half a million characters in one word, in which merges are everywhere. */
    @ParameterizedTest
    @ValueSource(strings = {"a", "the", "th", " ", "\n", "'", "1", "!", "\u65E5", "\uD83D\uDC4D", "\u0301", "'l", "ab"})
    void longWordsComeBack(String part) {
        String text = part.repeat(500_000 / part.length());
        for (Tokenizer tokenizer : List.of(Tokenizer.gpt2(), tiny())) {
            assertThat(tokenizer.decode(tokenizer.encode(text)))
                    .hasSameSizeAs(text)
                    .isEqualTo(text);
        }
    }

    /** A merge looks at no more than its two neighbours, however long the word. */
    @ParameterizedTest
    @ValueSource(ints = {1_000, 100_000})
    void longWordsTakeFewLooksAtTheMerges(int length) {
        int[] looks = {0};
        Merges counting = new Merges() {
            @Override
            Merge get(int left, int right) {
                looks[0]++;
                return super.get(left, right);
            }
        };
        int[] bytes = IntStream.range(0, 256).toArray();
        // Twos, fours, ... of one letter, down to one token.
        for (int token = 256, part = 'a'; token < 280; part = token++) {
            counting.add(part, part, token);
        }
        IntList tokens = new IntList();
        new BytePairEncoder(bytes, counting, Map.of(), false).encode("a".repeat(length), tokens);
        assertThat(tokens.toArray()).hasSize(Integer.bitCount(length));
        assertThat(looks[0]).isBetween(length, 6 * length);
    }

    @Test
    void refusesABytesWithoutAToken() {
        TinyTokenizer files = new TinyTokenizer();
        files.vocabulary.remove("\u00C3");
        files.writePair(directory);
        Tokenizer tokenizer = TokenizerFiles.read(new DiskFolder(directory), ModelTokens.UNKNOWN);
        assertThat(tokenizer.encode("the word")).hasSize(2);
        assertThatExceptionOfType(BadInputException.class)
                .isThrownBy(() -> tokenizer.encode("the caf\u00E9"))
                .withMessage("the tokenizer has no token for byte 0xC3 in \" caf\u00E9\"");
    }

    @Test
    void isSafeToShareBetweenThreads() {
        Tokenizer tokenizer = tiny();
        Random random = new Random(2);
        List<String> texts =
                IntStream.range(0, 200).mapToObj(i -> randomText(random)).toList();
        List<int[]> alone = texts.stream().map(tokenizer::encode).toList();
        IntStream.range(0, 2_000)
                .parallel()
                .forEach(i -> assertThat(tokenizer.encode(texts.get(i % 200))).isEqualTo(alone.get(i % 200)));
    }

    private Tokenizer tiny() {
        new TinyTokenizer().write(directory);
        return TokenizerFiles.read(new DiskFolder(directory), ModelTokens.UNKNOWN);
    }

    private List<String> encode(String text) {
        Map<Integer, String> names = new HashMap<>();
        new TinyTokenizer().vocabulary.forEach((token, id) -> names.put(id, token));
        return IntStream.of(tiny().encode(text)).mapToObj(names::get).toList();
    }

    /** Recovers the merges: a token's two parts are what the merges of lower rank leave of its bytes. */
    private static BytePairEncoder gpt2FromRanks() {
        Encoding ranks = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
        int[] byteTokens = new int[256];
        Merges merges = new Merges();
        BytePairEncoder encoder = new BytePairEncoder(byteTokens, merges, Map.of(), true);
        BytePairEncoder.Workspace workspace = new BytePairEncoder.Workspace();
        for (int id = 0; id < 50256; id++) {
            IntArrayList one = new IntArrayList(1);
            one.add(id);
            byte[] bytes = ranks.decodeBytes(one);
            if (bytes.length == 1) {
                byteTokens[bytes[0] & 0xFF] = id;
                continue;
            }
            IntList parts = new IntList();
            encoder.encode(bytes, workspace, parts);
            int[] pair = parts.toArray();
            assertThat(pair).as("parts of token " + id).hasSize(2);
            merges.add(pair[0], pair[1], id);
        }
        return encoder;
    }

    private static String randomText(Random random) {
        String[] apart = {
            " ",
            "  ",
            "\n",
            "\u00A0",
            "\u3000",
            "'s",
            "'ll",
            "the ",
            "ing",
            "12",
            "\u00E9",
            "\u65E5\u672C",
            "\uD83D\uDC4D"
        };
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(40); i >= 0; i--) {
            switch (random.nextInt(4)) {
                case 0 -> text.append(apart[random.nextInt(apart.length)]);
                case 1 -> text.append((char) (' ' + random.nextInt(95)));
                case 2 -> text.append((char) ('a' + random.nextInt(26)));
                default -> {
                    int c = random.nextInt(Character.MAX_CODE_POINT + 1);
                    text.appendCodePoint(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 'x' : c);
                }
            }
        }
        return text.toString();
    }
}
