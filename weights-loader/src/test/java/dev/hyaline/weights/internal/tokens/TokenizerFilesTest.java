package dev.hyaline.weights.internal.tokens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.TinyTokenizer;
import dev.hyaline.weights.Tokenizer;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.Folder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerFilesTest {
    private final TinyTokenizer files = new TinyTokenizer();

    @TempDir
    Path directory;

    private Folder folder() {
        return new DiskFolder(directory);
    }

    @Test
    void readsEitherFormatAlike() {
        files.writePair(directory);
        assertThat(TokenizerFiles.in(folder())).containsExactly("vocab.json", "merges.txt");
        Tokenizer pair = read();
        files.write(directory);
        assertThat(TokenizerFiles.in(folder())).containsExactly("tokenizer.json");
        Tokenizer whole = read();
        String text = " the word'll\n<|endoftext|>caf\u00E9";
        assertThat(pair.encode(text)).containsExactly(whole.encode(text)).contains(299);
        assertThat(pair.endOfText()).isEqualTo(299);
        assertThat(pair.vocabularySize()).isEqualTo(300);
        assertThat(whole.vocabularySize()).isEqualTo(301);
        assertThat(whole.encode("a<pad>")).containsExactly('a', 300);
    }

    @Test
    void findsNothingInAnEmptyFolder() {
        assertThat(TokenizerFiles.in(folder())).isEmpty();
        TinyCheckpoint.write(directory, "added_tokens.json", "{}");
        assertThat(TokenizerFiles.in(folder())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vocab.json", "merges.txt"})
    void wantsBothOfThePair(String file) throws Exception {
        files.writePair(directory);
        Files.delete(directory.resolve(file));
        refused(file + ": expected a file, found no such file");
    }

    @Test
    void readsAddedTokensOfOldFolders() {
        files.writePair(directory);
        TinyCheckpoint.write(
                directory, "added_tokens.json", "{\"<pad>\": 300, \"<|endoftext|>\": 299, \" word\": 301}");
        assertThat(TokenizerFiles.in(folder())).contains("added_tokens.json");
        Tokenizer tokenizer = read();
        assertThat(tokenizer.encode("<pad> word<|endoftext|>")).containsExactly(300, 301, 299);
        assertThat(tokenizer.decode(300, 301, 299)).isEqualTo("<pad> word<|endoftext|>");
        assertThat(tokenizer.vocabularySize()).isEqualTo(302);
    }

    @Test
    void addedTokensDecodeToTheirText() {
        files.addedTokens = TinyTokenizer.plain(300, "\u00E9\u0120");
        files.write(directory);
        assertThat(read().decode(read().encode("a\u00E9\u0120b"))).isEqualTo("a\u00E9\u0120b");
    }

    @Test
    void mergesMayHaveWindowsLineEndsAndNoLastOne() {
        files.writePair(directory);
        int[] expected = read().encode(" the word");
        String merges = files.mergesText();
        for (String text : List.of(
                merges.replace("\n", "\r\n"), merges.strip(), merges.replace("#version: 0.2\n", ""), merges + "\n")) {
            TinyCheckpoint.write(directory, "merges.txt", text);
            assertThat(read().encode(" the word")).containsExactly(expected);
        }
    }

    @Test
    void hashesMayBeMerged() {
        files.vocabulary.put("##", 290);
        files.merges.addFirst("# #");
        files.writePair(directory);
        assertThat(read().encode("##")).containsExactly(290);
    }

    @Test
    void endsTextsWithTheIdOfTheConfigurationIfThereIsNoOther() {
        files.vocabulary.remove("<|endoftext|>");
        files.writePair(directory);
        assertThat(TokenizerFiles.read(folder(), ends(7)).endOfText()).isEqualTo(7);
        assertThat(TokenizerFiles.read(folder(), ends(7)).beginOfText()).isEqualTo(7);
        for (ModelTokens none : List.of(ModelTokens.UNKNOWN, ends(50256))) {
            assertThatExceptionOfType(BadInputException.class)
                    .isThrownBy(() -> TokenizerFiles.read(folder(), none).endOfText())
                    .withMessage("this checkpoint's tokenizer has no token that ends a text");
        }
    }

    /** Tokens that start alike, and text that almost holds them at every place. */
    @Test
    void findsTheLongestOfManyAddedTokens() {
        StringBuilder tokens = new StringBuilder(TinyTokenizer.plain(300, "x".repeat(500) + "!"));
        for (int length = 2; length < 500; length++) {
            tokens.append(", ").append(TinyTokenizer.plain(299 + length, "x".repeat(length) + "!"));
        }
        files.addedTokens = tokens.toString();
        files.write(directory);
        Tokenizer tokenizer = read();
        assertThat(tokenizer.encode("xxxxx!xx!xxx")).containsExactly(304, 301, 'x', 'x', 'x');
        assertThat(tokenizer.encode("x".repeat(600) + "!")).hasSize(101).endsWith(300);
        String text = "x".repeat(1_000_000);
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    }

    @Test
    void takesManyBlanks() {
        files.addedTokens = TinyTokenizer.plain(300, "  ").replace("\"rstrip\": false", "\"rstrip\": true");
        files.write(directory);
        assertThat(read().encode(" ".repeat(1_000_000))).hasSize(500_000);
    }

    static Stream<Arguments> unsupported() {
        return Stream.of(
                bent(
                        "normalizer",
                        files -> files.normalizer = "{\"type\": \"NFC\"}",
                        "expected normalizer.type to be absent",
                        "found \"NFC\""),
                bent(
                        "normalizer without type",
                        files -> files.normalizer = "{}",
                        "expected a key normalizer.type",
                        "none"),
                bent(
                        "other pre-tokenizer",
                        files -> files.preTokenizer = "{\"type\": \"Metaspace\"}",
                        "expected pre_tokenizer.type to be \"ByteLevel\"",
                        "found \"Metaspace\""),
                bent(
                        "several pre-tokenizers",
                        files -> files.preTokenizer = "{\"type\": \"Sequence\", \"pretokenizers\": []}",
                        "expected pre_tokenizer.type to be \"ByteLevel\"",
                        "found \"Sequence\""),
                bent(
                        "no pre-tokenizer",
                        files -> files.preTokenizer = "null",
                        "expected a key pre_tokenizer.type",
                        "found none"),
                bent(
                        "no prefix space flag",
                        files -> files.preTokenizer = "{\"type\": \"ByteLevel\"}",
                        "expected a key pre_tokenizer.add_prefix_space",
                        "found none"),
                bent(
                        "prefix space flag no flag",
                        files -> files.preTokenizer = "{\"type\": \"ByteLevel\", \"add_prefix_space\": 1}",
                        "expected pre_tokenizer.add_prefix_space to be true or false",
                        "found 1"),
                bent(
                        "other decoder",
                        files -> files.decoder = "{\"type\": \"BPEDecoder\"}",
                        "expected decoder.type to be \"ByteLevel\"",
                        "found \"BPEDecoder\""),
                bent("no decoder", files -> files.decoder = "null", "expected a key decoder.type", "found none"),
                bent(
                        "other model",
                        files -> files.modelType = "\"Unigram\"",
                        "expected model.type to be \"BPE\"",
                        "found \"Unigram\""),
                bent(
                        "dropout",
                        files -> files.modelOptions = "\"dropout\": 0.1",
                        "expected model.dropout to be 0",
                        "found 0.1"),
                bent(
                        "prefix",
                        files -> files.modelOptions = "\"continuing_subword_prefix\": \"##\"",
                        "expected model.continuing_subword_prefix to be empty",
                        "found \"##\""),
                bent(
                        "suffix",
                        files -> files.modelOptions = "\"end_of_word_suffix\": \"</w>\"",
                        "expected model.end_of_word_suffix to be empty",
                        "found \"</w>\""),
                bent(
                        "byte fallback",
                        TokenizerFilesTest::fallBackToBytes,
                        "expected model.byte_fallback to be false, where the vocabulary lacks some bytes",
                        "found true"),
                bent(
                        "fused unknowns",
                        TokenizerFilesTest::fuseUnknowns,
                        "expected model.fuse_unk to be false",
                        "found true"),
                bent(
                        "unknown unknown",
                        TokenizerFilesTest::nameAnUnknownUnknown,
                        "expected model.unk_token to be a token of the vocabulary",
                        "found \"<unk>\""),
                bent(
                        "merge of an unknown token",
                        files -> files.merges.add("q q"),
                        "expected model.merges[11] to be two tokens of the vocabulary which together are one",
                        "found \"q q\""),
                bent(
                        "merge of one",
                        files -> files.merges.set(0, "th"),
                        "expected model.merges[0] to be two tokens",
                        "found \"th\""),
                bent(
                        "merge of three",
                        files -> files.merges.set(0, "t h e"),
                        "expected model.merges[0] to be two tokens",
                        "found \"t h e\""),
                bent(
                        "id of another token",
                        files -> files.vocabulary.put("new", 7),
                        "expected model.vocab.\"new\" to be an id of its own, not that of \"\u0107\"",
                        "found 7"),
                bent(
                        "negative id",
                        files -> files.vocabulary.put("new", -7),
                        "expected model.vocab.\"new\" to be an integer from 0 to 1048575",
                        "found -7"),
                bent(
                        "huge id",
                        files -> files.vocabulary.put("new", 1 << 20),
                        "expected model.vocab.\"new\" to be an integer from 0 to 1048575",
                        "found 1048576"),
                bent(
                        "added token with another id",
                        files -> files.addedTokens = TinyTokenizer.plain(298, "<|endoftext|>"),
                        "expected added_tokens[0].id to be 299, the id of \"<|endoftext|>\" in the vocabulary",
                        "found 298"),
                bent(
                        "added token with a used id",
                        files -> files.addedTokens = TinyTokenizer.plain(7, "<s>"),
                        "expected added_tokens[0].id to be an id of its own, not that of \"\u0107\"",
                        "found 7"),
                bent(
                        "added token without content",
                        files -> files.addedTokens = "{\"id\": 300}",
                        "expected a key added_tokens[0].content",
                        "found none"),
                bent(
                        "endless added token",
                        files -> files.addedTokens = TinyTokenizer.plain(300, "x".repeat(513)),
                        "expected added_tokens[0].id to be the id of a token of at most 512 characters, not 513",
                        "found 300"),
                bent(
                        "added token not an object",
                        files -> files.addedTokens = "3",
                        "expected a key added_tokens[0].content",
                        "found none"),
                bent(
                        "half a surrogate pair",
                        files -> files.addedTokens = "{\"id\": 300, \"content\": \"\\ud800\"}",
                        "expected added_tokens[0].content to be well-formed Unicode",
                        "found \"\\ud800\""));
    }

    @ParameterizedTest
    @MethodSource("unsupported")
    void namesWhatTokenizerJsonAsksFor(Consumer<TinyTokenizer> bend, String expected, String found) {
        bend.accept(files);
        files.write(directory);
        refused("tokenizer.json: " + expected, found);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | expected a key model, found none",
                "{\"model\": {\"type\": \"WordPiece\"}} | expected model.type to be \"BPE\", found \"WordPiece\"",
                "{\"normalizer\": {\"type\": \"Precompiled\"}, \"model\": {\"type\": \"Unigram\"}} | expected"
                        + " model.type to be \"BPE\", found \"Unigram\"",
                "{\"model\": {\"type\": \"BPE\"}} | expected a key pre_tokenizer, found none",
                "[] | expected a JSON object, found an array",
                "{\"model\": {\"type\": \"BPE\"}, \"pre_tokenizer\": {\"type\": 1}} | expected pre_tokenizer.type to"
                        + " be a string, found 1",
                "{\"normalizer\": | expected valid JSON",
                "`` | expected a JSON object, found nothing"
            })
    void namesWhatTokenizerJsonLacks(String json, String message) {
        TinyCheckpoint.write(directory, "tokenizer.json", json);
        refused("tokenizer.json: " + message);
    }

    /** Two spellings of one id would hide one of the tokens. */
    @ParameterizedTest
    @ValueSource(strings = {"01", "+1", "-1", "1.0", "9999999"})
    void idsOfTheDecoderAreSpelledInOneWay(String id) {
        files.writePair(directory);
        TinyCheckpoint.write(
                directory,
                "tokenizer_config.json",
                "{\"added_tokens_decoder\": {\"1\": {\"content\": \"<a>\"}, \"" + id + "\": {\"content\": \"<b>\"}}}");
        refused("tokenizer_config.json: ", "under an id from 0 to ", "not \"" + id + "\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[] | expected a JSON object, found an array",
                "{\"a\": \"0\"} | expected \"a\" to be an integer from 0 to 1048575, found \"0\"",
                "{\"a\": 0.0} | expected \"a\" to be an integer from 0 to 1048575, found 0.0",
                "{\"a\": 99999999999} | expected \"a\" to be an integer from 0 to 1048575, found 99999999999",
                "{\"a\": 0, \"b\": 0} | expected \"b\" to be an id of its own, not that of \"a\", found 0",
                "{\"a\": 0, \"a\": 1} | expected valid JSON, found the key \"a\" for the second time",
                "{\"\\ud800\": 0} | expected valid JSON, found Broken surrogate pair",
                "{\"a\": {}} | expected \"a\" to be an integer from 0 to 1048575, found an object"
            })
    void namesWhatIsWrongWithAVocabulary(String json, String message) {
        files.writePair(directory);
        TinyCheckpoint.write(directory, "vocab.json", json);
        refused("vocab.json: " + message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`t h\n\nth e` | expected line 2 to be two tokens, found \"\"",
                "`t h\nthe` | expected line 2 to be two tokens, found \"the\"",
                "`t h e` | expected line 1 to be two tokens, found \"t h e\"",
                "`t  h` | expected line 1 to be two tokens, found \"t  h\"",
                "`t\th` | expected line 1 to be two tokens, found \"t\\u0009h\"",
                "`#version: 0.2\nq q` | expected line 2 to be two tokens of the vocabulary which together are one",
                "`x th` | expected line 1 to be two tokens of the vocabulary which together are one, found \"x th\"",
                "`\u65E5 h` | expected line 1 to be two tokens of the vocabulary"
            })
    void namesWhatIsWrongWithMerges(String merges, String message) {
        files.writePair(directory);
        TinyCheckpoint.write(directory, "merges.txt", merges);
        refused("merges.txt: " + message);
    }

    @Test
    void refusesBytesThatAreNotUtf8() {
        files.writePair(directory);
        TinyCheckpoint.write(directory, "merges.txt", new byte[] {'t', ' ', (byte) 0xC4});
        refused("merges.txt: expected UTF-8 text");
    }

    /** Components that change no token, as they have one part or none. */
    @Test
    void sequencesOfOneAreThatOne() {
        files.write(directory);
        String text = " the word'll\n<|endoftext|>caf\u00E9";
        int[] expected = read().encode(text);
        files.normalizer = "{\"type\": \"Sequence\", \"normalizers\": []}";
        files.preTokenizer = "{\"type\": \"Sequence\", \"pretokenizers\": [" + files.preTokenizer + "]}";
        files.decoder = "{\"type\": \"Sequence\", \"decoders\": [" + files.decoder + "]}";
        files.modelOptions = "\"byte_fallback\": true";
        files.write(directory);
        assertThat(read().encode(text)).containsExactly(expected);
        files.preTokenizer = "{\"type\": \"Sequence\", \"pretokenizers\": []}";
        files.write(directory);
        refused("expected pre_tokenizer.type to be \"ByteLevel\", found \"Sequence\"");
    }

    private static void fallBackToBytes(TinyTokenizer files) {
        files.vocabulary.remove("\u00C3");
        files.modelOptions = "\"byte_fallback\": true";
    }

    private static void fuseUnknowns(TinyTokenizer files) {
        files.vocabulary.remove("\u00C3");
        files.modelOptions = "\"unk_token\": \"<|endoftext|>\", \"fuse_unk\": true";
    }

    private static void nameAnUnknownUnknown(TinyTokenizer files) {
        files.vocabulary.remove("\u00C3");
        files.modelOptions = "\"unk_token\": \"<unk>\"";
    }

    private static Arguments bent(String name, Consumer<TinyTokenizer> bend, String expected, String found) {
        return argumentSet(name, bend, expected, found);
    }

    private static ModelTokens ends(int id) {
        return new ModelTokens(0, null, List.of(id));
    }

    private Tokenizer read() {
        return TokenizerFiles.read(folder(), ModelTokens.UNKNOWN);
    }

    private void refused(String... message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(this::read)
                .withMessageStartingWith(directory.toString())
                .satisfies(e -> assertThat(e.getMessage()).contains(message));
    }
}
