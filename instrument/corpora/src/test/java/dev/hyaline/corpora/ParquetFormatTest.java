package dev.hyaline.corpora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.dump.CorpusFiles;
import dev.hyaline.instrument.dump.Document;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files written by pyarrow 25: text and tokens come out, and what is wrong is said. */
final class ParquetFormatTest {
    private static final List<String> LINES = Stream.of(
                    "The capital of France is",
                    "two\\nlines \\\"quoted\\\" \\\\ and a\\ttab",
                    "",
                    "Zürich 東京 🙂",
                    "a".repeat(300),
                    "\\u0001 control",
                    "last")
            .map(text -> "{\"text\":\"" + text + "\"}")
            .toList();

    private static final List<String> TOKENS = List.of(
            "{\"tokens\":[1535,7,8]}",
            "{\"tokens\":[]}",
            "{\"tokens\":[50256]}",
            "{\"tokens\":" + IntStream.range(0, 40).boxed().toList().toString().replace(" ", "") + "}",
            "{\"tokens\":[3]}");

    @TempDir
    private Path temporary;

    private static Path file(String name) {
        return Path.of(Objects.requireNonNull(ParquetFormatTest.class.getResource(name + ".parquet"))
                .getPath());
    }

    private static List<String> lines(Path file, long first) throws IOException {
        try (InputStream lines = new ParquetFormat().jsonLines(file, first)) {
            return new String(lines.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "snappy", "zstd", "gzip", "v2", "dictionary"})
    void textComesOutFromAnyRowOn(String kind) throws IOException {
        for (int first = 0; first <= LINES.size(); first++) {
            assertThat(lines(file("text-" + kind), first)).isEqualTo(LINES.subList(first, LINES.size()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"int32", "int64", "uint16"})
    void tokensComeOutFromAnyRowOn(String kind) throws IOException {
        for (int first = 0; first <= TOKENS.size(); first++) {
            assertThat(lines(file("tokens-" + kind), first)).isEqualTo(TOKENS.subList(first, TOKENS.size()));
        }
    }

    @Test
    void singleBytesAreRead() throws IOException {
        StringBuilder read = new StringBuilder();
        try (InputStream lines = new ParquetFormat().jsonLines(file("tokens-int32"), 4)) {
            for (int b = lines.read(); b >= 0; b = lines.read()) {
                read.append((char) b);
            }
        }
        assertThat(read).hasToString("{\"tokens\":[3]}\n");
        assertThat(lines(file("no-rows"), 0)).isEmpty();
    }

    @Test
    void aCorpusIsReadThroughTheService() {
        CorpusFiles corpus = new CorpusFiles(
                List.of(file("text-zstd").toString()),
                (name, line, content) ->
                        Optional.of(new Document(new String(content, StandardCharsets.UTF_8), new int[] {(int) line})));
        try (Stream<Document> documents = corpus.documents()) {
            List<Document> all = documents.toList();
            assertThat(all.stream().map(Document::name)).isEqualTo(LINES);
            assertThat(all.get(6).tokens()).containsExactly(7);
        }
        assertThat(CorpusFiles.isJsonLines("x.PARQUET")).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "null-text | its row 1 has no text (it is null); leave such rows out",
                "null-tokens | its row 1 has no tokens (it is null); leave such rows out",
                "null-token | its row 0 has a null among its tokens",
                "large-token | its row 1 has 1099511627776 among its tokens, which is no token id",
                "binary-text | its column text must hold strings, found BYTE_ARRAY",
                "int-text | its column text must hold strings, found INT32",
                "string-tokens | its column tokens must hold lists of integers, found lists of BYTE_ARRAY (STRING)",
                "float-tokens | its column tokens must hold lists of integers, found lists of FLOAT",
                "flat-tokens | its column tokens must hold lists of integers, found INT32",
                "nested-tokens | its column tokens must hold lists of integers, found lists of lists of INT32",
                "both | its columns text and input_ids exclude each other",
                "no-column | it has no column text, tokens or input_ids; its columns are content, label",
                "brotli | its column text is compressed with BROTLI, which is not read",
                "lz4 | its column text is compressed with LZ4_RAW, which is not read",
            })
    void whatCannotBeReadIsSaid(String name, String sentence) {
        assertThatThrownBy(() -> lines(file(name), 0))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(sentence);
        assertThatThrownBy(() -> open(file(name)))
                .isInstanceOf(FileException.class)
                .hasMessageStartingWith("cannot read " + file(name) + ": " + sentence);
    }

    private static void open(Path file) {
        CorpusFiles corpus = new CorpusFiles(
                List.of(file.toString()), (name, line, content) -> Optional.of(new Document("", new int[] {1})));
        try (Stream<Document> documents = corpus.documents()) {
            documents.forEach(document -> {});
        }
    }

    /**
     * A file cut or changed anywhere is read as it is or refused in a sentence: no other exception, no endless loop.
     */
    @ParameterizedTest
    @ValueSource(strings = {"text-none", "text-snappy", "text-zstd", "tokens-int64"})
    void damagedFilesAreRefused(String name) throws IOException {
        byte[] sound = Files.readAllBytes(file(name));
        List<String> refusals = new ArrayList<>();
        Path damaged = temporary.resolve("damaged.parquet");
        for (int cut = 0; cut < sound.length; cut += 1 + sound.length / 20) {
            Files.write(damaged, Arrays.copyOf(sound, cut));
            assertThatThrownBy(() -> open(damaged))
                    .isInstanceOf(FileException.class)
                    .hasMessageContaining("Parquet");
        }
        for (int at = 4; at < sound.length - 4; at += 1 + sound.length / 60) {
            byte[] changed = sound.clone();
            changed[at] ^= (byte) 0x55;
            Files.write(damaged, changed);
            try {
                assertTimeoutPreemptively(Duration.ofSeconds(20), () -> open(damaged), "byte " + at);
            } catch (HyalineException e) {
                assertThat(e).isInstanceOf(FileException.class).hasMessageStartingWith("cannot read " + damaged);
                refusals.add(e.getMessage());
            }
        }
        assertThat(refusals).isNotEmpty();
        Files.writeString(damaged, "not parquet at all");
        assertThatThrownBy(() -> open(damaged))
                .hasMessageContaining("it is not a Parquet file: it does not begin with PAR1");
        Files.writeString(damaged, "PAR1 and then nothing");
        assertThatThrownBy(() -> open(damaged))
                .hasMessageContaining("it is not a whole Parquet file: it does not end with PAR1, and has 21 bytes");
    }
}
