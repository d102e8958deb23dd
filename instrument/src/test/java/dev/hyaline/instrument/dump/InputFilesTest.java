package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Digests;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of a corpus: what names stand for, and what is compressed with gzip. */
final class InputFilesTest {
    private static final String TEXT =
            IntStream.range(0, 4000).mapToObj(i -> "line " + i + "\n").collect(Collectors.joining());

    @TempDir
    private Path temporary;

    private static byte[] gzip(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return bytes.toByteArray();
    }

    private Path file(String name, byte[]... parts) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            bytes.writeBytes(part);
        }
        Path file = temporary.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, bytes.toByteArray());
    }

    private static String read(Path file) throws IOException {
        try (InputStream text = CorpusFiles.open(file.toString())) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void gzipIsReadMemberByMember() throws IOException {
        byte[] member = gzip(TEXT);
        assertThat(read(file("a.gz", member))).isEqualTo(TEXT);
        assertThat(read(file("b.GZ", member, gzip(""), member))).isEqualTo(TEXT + TEXT);
        assertThat(read(file("padded.gz", member, new byte[600]))).isEqualTo(TEXT);
        assertThat(read(file("empty.gz", gzip("")))).isEmpty();
        // With a file name, a comment, an extra field and a checksum of the header, as RFC 1952 has them.
        byte[] header = {0x1f, (byte) 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 2, 0, 'x', 'y', 'n', 0, 'c', 0, 1, 2};
        assertThat(read(file("header.gz", header, Arrays.copyOfRange(member, 10, member.length))))
                .isEqualTo(TEXT);
        try (InputStream text = CorpusFiles.open(file("a.gz", member).toString())) {
            assertThat(text.read()).isEqualTo('l');
        }
    }

    @Test
    void damagedGzipIsRefused() throws IOException {
        byte[] member = gzip(TEXT);
        for (int cut = 2; cut < member.length; cut += 1 + member.length / 50) {
            Path file = file("cut.gz", Arrays.copyOf(member, cut));
            assertThatThrownBy(() -> read(file))
                    .hasMessage("it ends after " + cut + " bytes, in the middle of its gzip data");
        }
        Random random = new Random(4);
        for (int i = 0; i < 200; i++) {
            byte[] changed = member.clone();
            changed[10 + random.nextInt(member.length - 10)] ^= (byte) (1 << random.nextInt(8));
            Path file = file("changed.gz", changed);
            assertThatThrownBy(() -> read(file)).isInstanceOf(IOException.class).hasMessageContaining("gzip data");
        }
        Path tail = file("tail.gz", member, "more".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> read(tail))
                .hasMessageStartingWith("what follows its gzip data, up to byte ")
                .hasMessageEndingWith("is no gzip data");
        Path text = file("text.gz", TEXT.getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> read(text)).hasMessage("it is not gzip data, although its name ends in .gz");
        CorpusFiles corpus = new CorpusFiles(List.of(text.toString()), PlannedDumps::document);
        assertThatThrownBy(() -> {
                    try (Stream<Document> documents = corpus.documents()) {
                        documents.forEach(document -> {});
                    }
                })
                .isInstanceOf(FileException.class)
                .hasMessage("cannot read " + text + ": it is not gzip data, although its name ends in .gz");
        assertThatThrownBy(() -> CorpusFiles.open(temporary.resolve("none.gz").toString()))
                .hasMessageEndingWith("no such file or folder");
    }

    /** A plan of compressed files has the splits of one of plain ones, and their own checksums. */
    @Test
    void compressedFilesAreSplitAsPlainOnes() throws IOException {
        String lines = IntStream.range(0, 60).mapToObj(i -> i + " 1 2 3\n").collect(Collectors.joining());
        Path plain = file("plain.txt", lines.getBytes(StandardCharsets.UTF_8));
        Path packed = file("packed.txt.gz", gzip(lines));
        PlannedCorpus expected = counted(plain);
        PlannedCorpus found = counted(packed);
        assertThat(found.splits()).isEqualTo(expected.splits()).hasSizeGreaterThan(5);
        assertThat(found.totals()).isEqualTo(expected.totals());
        assertThat(found.files().getFirst().bytes()).isEqualTo(Files.size(packed));
        assertThat(found.files().getFirst().sha256()).isEqualTo(Digests.sha256(Files.readAllBytes(packed)));
        CorpusFiles corpus = new CorpusFiles(List.of(packed.toString()), PlannedDumps::document);
        for (int split = 0; split < found.splits().size(); split++) {
            try (Stream<Document> rest = corpus.documents(found, split)) {
                assertThat(rest.findFirst().orElseThrow().tokens()[0])
                        .isEqualTo((int) found.splits().get(split).before().documents());
            }
        }
    }

    private static PlannedCorpus counted(Path file) {
        return new CorpusFiles(List.of(file.toString()), PlannedDumps::document)
                .count(
                        split -> {
                            try (Stream<Document> documents = split.documents()) {
                                long count = documents.count();
                                return new CorpusCounts(count, 4 * count, 4 * count);
                            }
                        },
                        40,
                        2,
                        tokens -> {});
    }

    private List<String> expanded(String name) {
        return CorpusFiles.expand(temporary.resolve(name).toString()).stream()
                .map(file -> temporary.relativize(Path.of(file)).toString().replace('\\', '/'))
                .toList();
    }

    @Test
    void foldersAndPatternsStandForFilesSortedByName() throws IOException {
        for (String name : List.of(
                "data/b.jsonl.gz",
                "data/a.parquet",
                "data/C.TXT",
                "data/more/d.json.zst",
                "data/more/.hidden.txt",
                "data/.git/e.txt",
                "data/README.md",
                "odd[1].txt")) {
            file(name, new byte[1]);
        }
        assertThat(expanded("data"))
                .containsExactly("data/C.TXT", "data/a.parquet", "data/b.jsonl.gz", "data/more/d.json.zst");
        assertThat(expanded("data/*.{parquet,gz}")).containsExactly("data/a.parquet", "data/b.jsonl.gz");
        assertThat(expanded("data/**.zst")).containsExactly("data/more/d.json.zst");
        assertThat(expanded("*/m*/d.*")).containsExactly("data/more/d.json.zst");
        assertThat(expanded("odd[1].txt")).containsExactly("odd[1].txt");
        assertThat(expanded("data/README.md")).containsExactly("data/README.md");
        assertThatThrownBy(() -> expanded("data/*.arrow"))
                .isInstanceOf(BadInputException.class)
                .hasMessage("no file matches the pattern " + temporary.resolve("data/*.arrow"));
        assertThatThrownBy(() -> expanded("nowhere/*.txt")).hasMessageContaining("no file matches the pattern");
        assertThatThrownBy(() -> expanded("data/[.txt"))
                .hasMessageContaining("is neither a file nor a pattern of files' names");
        file("other/README.md", new byte[1]);
        assertThatThrownBy(() -> expanded("other"))
                .hasMessageContaining("holds no file of a corpus; such files' names end in .txt, .jsonl");
    }

    @Test
    void whatTheDatasetsLibrarySavedIsToBeWrittenAsParquet() throws IOException {
        file("saved/train/data-00000-of-00001.arrow", new byte[1]);
        file("saved/train/state.json", new byte[1]);
        for (String name : List.of("saved", "saved/train")) {
            assertThatThrownBy(() -> expanded(name))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("holds Arrow files, as the datasets library saves them, which are not read;"
                            + " write it as Parquet, by load_from_disk(")
                    .hasMessageContaining("to_parquet");
        }
        assertThatThrownBy(() -> CorpusFiles.open("saved/data.arrow"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("is an Arrow file; write it as Parquet")
                .hasMessageContaining("to_parquet");
    }

    @Test
    void theLinesOfAFileAreJsonByItsName() {
        for (String name : List.of("a.jsonl", "a.JSON", "a.ndjson.gz", "a.json.zst", "a.parquet")) {
            assertThat(CorpusFiles.isJsonLines(name)).as(name).isTrue();
        }
        for (String name : List.of("a.txt", "a.gz", "jsonl", "a.parquet.gz", "a.jsonl.txt")) {
            assertThat(CorpusFiles.isJsonLines(name)).as(name).isFalse();
        }
    }
}
