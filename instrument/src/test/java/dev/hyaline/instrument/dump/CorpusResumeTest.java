package dev.hyaline.instrument.dump;

import static dev.hyaline.instrument.dump.CorpusDumpTest.BOS;
import static dev.hyaline.instrument.dump.CorpusDumpTest.DUMP;
import static dev.hyaline.instrument.dump.CorpusDumpTest.corpus;
import static dev.hyaline.instrument.dump.CorpusDumpTest.files;
import static dev.hyaline.instrument.dump.CorpusDumpTest.provenance;
import static dev.hyaline.instrument.dump.CorpusDumpTest.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However a dump in shards is stopped, gone on with it ends up the same, byte for byte. */
final class CorpusResumeTest {
    private static final Corpus CORPUS = corpus(24, 21);
    private static final CorpusDump THIN = DUMP.filter(
                    TokenFilter.all().skippingFirst(BOS).every(2))
            .type(ElementType.F16)
            .shardBytes(48 * 314);

    @TempDir
    private Path temporary;

    private Path folder;

    @BeforeEach
    void nameFolder() {
        folder = temporary.resolve("out");
    }

    private Map<String, byte[]> undisturbed(CorpusDump dump) throws IOException {
        Path whole = temporary.resolve("whole");
        write(dump, CORPUS, whole, IfExists.REPLACE);
        return files(whole);
    }

    private static CorpusDump.CorpusSummary resume(CorpusDump dump, Path to, UnaryOperator<FileChannel> disk) {
        try (Gpt2 model = Models.small();
                DumpFolder opened = DumpFolder.open(to, IfExists.RESUME, disk)) {
            CorpusDump.Forecast forecast = dump.forecast(CORPUS, tokens -> {});
            return dump.write(model, CORPUS, forecast, opened, provenance(), CorpusListener.NONE);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void aFullDiskLosesNoShard(long seed) throws IOException {
        Random random = new Random(seed);
        CorpusDump dump = seed % 2 == 0 ? THIN : DUMP;
        Map<String, byte[]> expected = undisturbed(dump);
        long bytes = expected.values().stream().mapToLong(file -> file.length).sum();
        int failures = 0;
        while (!Files.exists(folder.resolve("manifest.json"))) {
            FailingDisk disk = new FailingDisk(random.nextLong(bytes));
            try {
                resume(dump, folder, disk);
            } catch (FileException e) {
                failures++;
                assertThat(e).hasMessageContaining("No space left on device").hasMessageContaining("IfExists.RESUME");
                assertOnlyWholeShards(expected);
            }
        }
        assertThat(failures).isPositive();
        assertThat(files(folder)).containsExactlyEntriesOf(expected);
    }

    /** What was there before the disk was full is as it will be; the rest is absent. */
    private void assertOnlyWholeShards(Map<String, byte[]> expected) throws IOException {
        if (Files.exists(folder)) {
            Map<String, byte[]> left = files(folder);
            assertThat(left.remove("journal.jsonl")).isNotNull();
            assertThat(left).doesNotContainKey("manifest.json");
            left.forEach((name, file) -> assertThat(file).as(name).isEqualTo(expected.get(name)));
        }
    }

    @Test
    void aListenerThatFailsStopsTheRunLikewise() throws IOException {
        Map<String, byte[]> expected = undisturbed(DUMP);
        assertThatThrownBy(() -> {
                    try (Gpt2 model = Models.small();
                            DumpFolder opened = DumpFolder.open(folder, IfExists.REFUSE)) {
                        CorpusDump.Forecast forecast = DUMP.forecast(CORPUS, tokens -> {});
                        DUMP.write(model, CORPUS, forecast, opened, provenance(), new CorpusListener() {
                            private long count;

                            @Override
                            public void done(long tokens) {
                                count += tokens;
                                if (count > 300) {
                                    throw new IllegalStateException("stop here");
                                }
                            }
                        });
                    }
                })
                .hasMessage("stop here");
        CorpusDump.CorpusSummary written = write(DUMP, CORPUS, folder, IfExists.RESUME);
        assertThat(files(folder)).containsExactlyEntriesOf(expected);
        assertThat(written.manifest()).exists();
    }

    /** What kill -9 can leave: a journal that ends anywhere, shards it does not list yet, pieces of hidden files. */
    @Test
    void whatAKilledRunLeavesIsGoneOnWith() throws IOException {
        Map<String, byte[]> expected = undisturbed(THIN);
        byte[] journal = journal();
        Random random = new Random(5);
        for (int run = 0; run < 12; run++) {
            int kept = run == 0 ? 0 : random.nextInt(journal.length + 1);
            Files.createDirectories(folder);
            Files.write(folder.resolve("journal.jsonl"), Arrays.copyOf(journal, kept));
            int listed = Math.max(0, count(journal, kept) - 1);
            for (int s = 0; s <= listed && s < expected.size() - 1; s++) {
                Files.write(folder.resolve(ShardPlan.fileName(s)), expected.get(ShardPlan.fileName(s)));
            }
            Files.write(folder.resolve("." + ShardPlan.fileName(listed) + ".partial"), new byte[3000]);
            Files.write(folder.resolve(".manifest.json.partial"), new byte[5]);

            CorpusDump.CorpusSummary written = write(THIN, CORPUS, folder, IfExists.RESUME);
            assertThat(files(folder)).as("after %s bytes of journal", kept).containsExactlyEntriesOf(expected);
            if (kept == journal.length) {
                assertThat(written.resumedRows()).isPositive();
            }
            write(THIN, CORPUS, folder, IfExists.REPLACE);
            Files.delete(folder.resolve("manifest.json"));
        }
    }

    /** The journal of a run whose last step, the manifest, failed. */
    private byte[] journal() throws IOException {
        Path at = temporary.resolve("journal");
        FailingDisk full = new FailingDisk(0);
        // The manifest's file is the first that is begun.
        AtomicBoolean begun = new AtomicBoolean();
        assertThatThrownBy(() -> resume(THIN, at, channel -> begun.getAndSet(true) ? channel : full.apply(channel)))
                .isInstanceOf(FileException.class);
        return Files.readAllBytes(at.resolve("journal.jsonl"));
    }

    private static int count(byte[] bytes, int length) {
        int lines = 0;
        for (int i = 0; i < length; i++) {
            lines += bytes[i] == '\n' ? 1 : 0;
        }
        return lines;
    }

    @Test
    void aShardThatWentMissingIsMadeAgain() throws IOException {
        Map<String, byte[]> expected = undisturbed(THIN);
        Files.createDirectories(folder);
        Files.write(folder.resolve("journal.jsonl"), journal());
        for (Map.Entry<String, byte[]> file : expected.entrySet()) {
            if (!file.getKey().equals("manifest.json")) {
                Files.write(folder.resolve(file.getKey()), file.getValue());
            }
        }
        Files.delete(folder.resolve(ShardPlan.fileName(2)));
        assertThat(write(THIN, CORPUS, folder, IfExists.RESUME).resumedRows()).isEqualTo(2 * 48);
        assertThat(files(folder)).containsExactlyEntriesOf(expected);
    }

    @Test
    void aFinishedDumpIsLeftAsItIs() throws IOException {
        Map<String, byte[]> expected = undisturbed(DUMP);
        CorpusDump.CorpusSummary written = write(DUMP, CORPUS, temporary.resolve("whole"), IfExists.RESUME);
        assertThat(written.resumedRows())
                .isEqualTo(DUMP.forecast(CORPUS, t -> {}).rows());
        assertThat(files(temporary.resolve("whole"))).containsExactlyEntriesOf(expected);
        assertThatThrownBy(() -> write(THIN, CORPUS, temporary.resolve("whole"), IfExists.RESUME))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("cannot be resumed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"deleted", "cut short", "a link", "deleted, and an earlier one changed"})
    void aFinishedDumpThatLostAShardIsCompletedAgain(String harm) throws IOException {
        Map<String, byte[]> expected = undisturbed(THIN);
        write(THIN, CORPUS, folder, IfExists.REPLACE);
        Path third = folder.resolve(ShardPlan.fileName(2));
        byte[] bytes = Files.readAllBytes(third);
        Files.delete(third);
        int kept = 2;
        switch (harm) {
            case "cut short" -> Files.write(third, Arrays.copyOf(bytes, bytes.length - 1));
            case "a link" -> Files.createSymbolicLink(third, Files.writeString(temporary.resolve("victim"), "mine"));
            case "deleted, and an earlier one changed" -> {
                change(folder.resolve(ShardPlan.fileName(1)));
                kept = 1;
            }
            default -> {}
        }
        assertThat(write(THIN, CORPUS, folder, IfExists.RESUME).resumedRows()).isEqualTo(kept * 48L);
        assertThat(files(folder)).containsExactlyEntriesOf(expected);
        if (harm.equals("a link")) {
            assertThat(temporary.resolve("victim")).hasContent("mine");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".manifest.json.partial",
                ".activations.safetensors.partial",
                ".activations-00001.safetensors.partial",
                "activations-00001.safetensors"
            })
    void linksInTheFolderAreNotWrittenThrough(String name) throws IOException {
        Path victim = Files.writeString(temporary.resolve("victim"), "mine");
        Files.createDirectories(folder);
        Files.createSymbolicLink(folder.resolve(name), victim);
        write(DUMP, CORPUS, folder, IfExists.REPLACE);
        Map<String, byte[]> written = files(folder);
        written.remove(".activations.safetensors.partial"); // No file of this dump.
        assertThat(written).containsExactlyEntriesOf(undisturbed(DUMP));
        writeOneFile(Dump.of(Models.CONFIG, Models.prompts(3), Capture.of(Models.CONFIG, "z")), IfExists.REPLACE);
        assertThat(files(folder).keySet()).containsExactly("activations.safetensors", "manifest.json");
        assertThat(victim).hasContent("mine");
    }

    @Test
    void aLinkInTheJournalsPlaceIsNotWrittenThrough() throws IOException {
        Path absent = temporary.resolve("absent");
        Files.createDirectories(folder);
        Path journal = Files.createSymbolicLink(folder.resolve("journal.jsonl"), absent);
        assertThatThrownBy(() -> write(DUMP, CORPUS, folder, IfExists.RESUME))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("a file of that name is in the way");
        assertThat(absent).doesNotExist();
        Files.delete(journal);
        stopped();
        byte[] lines = Files.readAllBytes(journal);
        Path victim = Files.write(temporary.resolve("victim"), lines);
        Files.delete(journal);
        Files.createSymbolicLink(journal, victim);
        assertThatThrownBy(() -> write(DUMP, CORPUS, folder, IfExists.RESUME))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("journal.jsonl is a link, which is not written through");
        assertThat(victim).hasBinaryContent(lines);
    }

    /** No manifest vouches for a shard that is not what was written. */
    @Test
    void aShardThatChangedBeforeTheManifestIsMadeAgain() throws IOException {
        stopped();
        change(folder.resolve(ShardPlan.fileName(0)));
        assertThat(write(DUMP, CORPUS, folder, IfExists.RESUME).resumedRows()).isZero();
        assertThat(files(folder)).containsExactlyEntriesOf(undisturbed(DUMP));
    }

    private static void change(Path file) throws IOException {
        byte[] changed = Files.readAllBytes(file);
        changed[changed.length - 1] ^= 1;
        Files.write(file, changed);
    }

    /** The run was killed when the journal was written again and the manifest not yet removed. */
    @Test
    void aManifestBesideAJournalOfTheSameDumpIsGoneOnWith() throws IOException {
        Map<String, byte[]> expected = undisturbed(THIN);
        write(THIN, CORPUS, folder, IfExists.REPLACE);
        Files.write(folder.resolve("journal.jsonl"), journal());
        Files.delete(folder.resolve(ShardPlan.fileName(1)));
        write(THIN, CORPUS, folder, IfExists.RESUME);
        assertThat(files(folder)).containsExactlyEntriesOf(expected);
    }

    @Test
    void whatWasAskedForOtherwiseIsNamed() throws IOException {
        stopped();
        Map<String, byte[]> before = files(folder);
        Map<String, CorpusDump> others = new TreeMap<>(Map.of(
                "activations.dtype was \"f32\" and is now \"bf16\"",
                DUMP.type(ElementType.BF16),
                "activations.rows_per_shard was 50 and is now 60",
                DUMP.shardBytes(60 * 628),
                "capture.every was 1 and is now 2",
                DUMP.filter(TokenFilter.all().every(2)),
                "capture.positions was \"all\" and is now \"0\"",
                DUMP.filter(TokenFilter.all().positions(IndexSelection.parse("0"))),
                "capture.skipped_first_token was null and is now 60",
                DUMP.filter(TokenFilter.all().skippingFirst(BOS)),
                "capture.long_documents was \"error\" and is now \"split\"",
                DUMP.longDocuments(LongDocuments.SPLIT),
                "capture.points was [",
                CorpusDump.of(Models.CONFIG, HookPoints.select(Models.CONFIG, "q"))));
        others.forEach((difference, dump) -> assertThatThrownBy(() -> write(dump, CORPUS, folder, IfExists.RESUME))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(difference)
                .hasMessageContaining("IfExists.REPLACE"));
        assertThatThrownBy(() -> write(DUMP, corpus(25, 21), folder, IfExists.RESUME))
                .hasMessageContaining("corpus.documents was 24 and is now 25");
        assertThatThrownBy(() -> write(DUMP, corpus(24, 22), folder, IfExists.RESUME))
                .hasMessageContaining("corpus.tokens was");
        assertThat(files(folder)).containsExactlyEntriesOf(before);
        assertThatThrownBy(() -> write(DUMP, CORPUS, folder, IfExists.REFUSE))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("holds a dump that is not finished")
                .hasMessageContaining("IfExists.RESUME");
        assertThat(files(folder)).containsExactlyEntriesOf(before);
        write(THIN, CORPUS, folder, IfExists.REPLACE);
        assertThat(files(folder)).containsExactlyEntriesOf(undisturbed(THIN));
    }

    private void stopped() throws IOException {
        Map<String, byte[]> expected = undisturbed(DUMP);
        long half = expected.values().stream().mapToLong(file -> file.length).sum() / 2;
        assertThatThrownBy(() -> resume(DUMP, folder, new FailingDisk(half))).isInstanceOf(FileException.class);
        assertThat(files(folder)).containsKeys("journal.jsonl", "activations-00000.safetensors");
    }

    @Test
    void aDamagedJournalIsNamed() throws IOException {
        stopped();
        Path journal = folder.resolve("journal.jsonl");
        String text = Files.readString(journal);
        List<String> lines = text.lines().toList();
        for (String damaged : List.of(
                text.replace(lines.getFirst(), "{\"format\":"),
                text.replace(lines.getFirst(), "[]"),
                text.replace("\"rows\":50", "\"rows\":\"50\""),
                text.replace("\"rows\":50,", ""),
                text.replace("\"rows\":50,", "\"rows\":0,"))) {
            Files.writeString(journal, damaged);
            assertThatThrownBy(() -> write(DUMP, CORPUS, folder, IfExists.RESUME))
                    .hasMessageContaining(damaged.startsWith("[") ? "cannot be resumed" : "journal.jsonl: expected");
        }
        Files.writeString(journal, text);
        write(DUMP, CORPUS, folder, IfExists.RESUME);
        assertThat(files(folder)).containsExactlyEntriesOf(undisturbed(DUMP));
    }

    @Test
    void aRunThatFailsBeforeItsFirstShardLeavesNothing() {
        assertThatThrownBy(() -> resume(DUMP, folder, new FailingDisk(10_000))).isInstanceOf(FileException.class);
        assertThat(folder).doesNotExist();
    }

    @Test
    void shardsDoNotReplaceOneFileUnlessForcedNorTheOtherWayRound() throws IOException {
        Dump one = Dump.of(Models.CONFIG, Models.prompts(3), Capture.of(Models.CONFIG, "z"));
        writeOneFile(one, IfExists.REFUSE);
        for (IfExists policy : List.of(IfExists.REFUSE, IfExists.RESUME)) {
            assertThatThrownBy(() -> write(DUMP, CORPUS, folder, policy))
                    .isInstanceOf(FileException.class)
                    .hasMessageContaining("exists already");
        }
        write(DUMP, CORPUS, folder, IfExists.REPLACE);
        assertThat(files(folder)).containsExactlyEntriesOf(undisturbed(DUMP));
        assertThatThrownBy(() -> writeOneFile(one, IfExists.REFUSE)).hasMessageContaining("exists already");
        writeOneFile(one, IfExists.REPLACE);
        assertThat(files(folder).keySet()).containsExactly("activations.safetensors", "manifest.json");
    }

    private void writeOneFile(Dump dump, IfExists ifExists) {
        try (Gpt2 model = Models.small();
                DumpFolder opened = DumpFolder.open(folder, ifExists)) {
            dump.write(model, opened, CorpusDumpTest::provenance, (point, sequence, values, offset, length) -> {});
        }
    }
}
