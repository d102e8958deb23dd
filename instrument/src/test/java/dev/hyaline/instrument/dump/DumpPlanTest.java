package dev.hyaline.instrument.dump;

import static dev.hyaline.instrument.dump.CorpusDumpTest.BOS;
import static dev.hyaline.instrument.dump.CorpusDumpTest.DUMP;
import static dev.hyaline.instrument.dump.CorpusDumpTest.files;
import static dev.hyaline.instrument.dump.CorpusDumpTest.provenance;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** A dump written in parts has the bytes of one that is written at once, whatever the parts. */
final class DumpPlanTest extends PlannedDumps {
    @Property(tries = 40)
    void partsInAnyOrderHaveTheBytesOfOneDump(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 7) int parts,
            @ForAll @IntRange(min = 1, max = 900) int split)
            throws IOException {
        Random random = new Random(seed);
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, random, 1 + random.nextInt(3));
        CorpusDump dump = dump(random);
        Path whole = folder.resolve("whole");
        DumpPlan plan;
        try {
            plan = plan(dump, corpus, split, 1 + random.nextInt(3));
        } catch (BadInputException e) {
            assertThatThrownBy(() -> dump.forecast(corpus, tokens -> {})).hasMessage(e.getMessage());
            return;
        }
        CorpusDumpTest.write(dump, corpus, whole, REFUSE);
        Path out = folder.resolve("out");
        try (DumpFolder opened = DumpFolder.open(out, REFUSE)) {
            plan.write(opened);
        }
        List<DumpPlan.Range> ranges = new ArrayList<>();
        for (int part = 0; part < parts; part++) {
            ranges.add(plan.part(part, parts));
        }
        ranges.add(plan.shard(random.nextLong(plan.shards())));
        Collections.shuffle(ranges, random);
        long rows = 0;
        for (DumpPlan.Range range : ranges) {
            rows += write(DumpPlan.read(out), dump, out, range).rows();
        }
        assertThat(rows).isEqualTo(plan.rows());
        CorpusDump.CorpusSummary finished = DumpPlan.read(out).finish(out, true);
        assertThat(finished.shards()).hasSize((int) plan.shards());
        assertSameShards(out, shards(whole));
        if (dump.isOfLatents()) {
            assertThat(finished.bytes()).isGreaterThan(plan.bytes());
            assertThatThrownBy(() -> ActivationStore.open(out))
                    .isInstanceOf(FileException.class)
                    .hasMessageContaining("not the latents that fire");
            return;
        }
        assertThat(finished.bytes()).isEqualTo(plan.bytes());
        try (ActivationStore store = ActivationStore.open(out);
                ActivationStore single = ActivationStore.open(whole)) {
            store.verify();
            assertThat(store.rows()).isEqualTo(single.rows());
            assertThat(store.documents()).isEqualTo(single.documents());
        }
    }

    @Property(tries = 60)
    void splitsAndThreadsChangeNoCount(@ForAll long seed, @ForAll @IntRange(min = 1, max = 3000) int split)
            throws IOException {
        Random random = new Random(seed);
        CorpusFiles corpus = corpus(folder(), random, 1 + random.nextInt(3));
        CorpusDump dump =
                DUMP.filter(TokenFilter.all().every(1 + random.nextInt(4))).packed(2);
        DumpPlan one = plan(dump, corpus, Integer.MAX_VALUE, 1);
        DumpPlan cut = plan(dump, corpus, split, 3);
        assertThat(cut.rows()).isEqualTo(one.rows());
        assertThat(cut.tokens()).isEqualTo(one.tokens());
        assertThat(cut.droppedTokens()).isEqualTo(one.droppedTokens()).isBetween(0L, 1L);
        assertThat(cut.sha256()).isEqualTo(plan(dump, corpus, split, 1).sha256());
        CorpusDump.Forecast forecast = dump.forecast(corpus, tokens -> {});
        assertThat(forecast.rows()).isEqualTo(cut.rows());
        assertThat(forecast.documents()).isEqualTo(cut.documents());
        assertThat(forecast.bytes()).isEqualTo(cut.bytes());
    }

    @Property(tries = 50)
    void partsCoverEveryShardOnce(@ForAll @IntRange(min = 1, max = 200) int parts) throws IOException {
        DumpPlan plan = plan(DUMP.packed(48), corpus(folder(), new Random(8), 3), 100, 1);
        long next = 0;
        long least = Long.MAX_VALUE;
        long most = 0;
        for (int part = 0; part < parts; part++) {
            DumpPlan.Range range = plan.part(part, parts);
            assertThat(range.first()).isEqualTo(next);
            next = range.end();
            least = Math.min(least, range.end() - range.first());
            most = Math.max(most, range.end() - range.first());
        }
        assertThat(next).isEqualTo(plan.shards());
        assertThat(most - least).isBetween(0L, 1L);
    }

    @Test
    void aDocumentThatCannotBeRunIsNamedWithItsLine() throws IOException {
        Path folder = folder();
        Path file = Files.writeString(folder.resolve("a.txt"), "1 2\n\n3 61\n");
        CorpusFiles corpus = new CorpusFiles(List.of(file.toString()), PlannedDumps::document);
        for (CorpusDump dump : List.of(DUMP, DUMP.packed(2))) {
            assertThatThrownBy(() -> plan(dump, corpus, 1, 2))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("a.txt:3 holds token 61, but the vocabulary runs from 0 to 60");
        }
        Files.writeString(file, "1 ".repeat(49).strip());
        assertThatThrownBy(() -> plan(DUMP, corpus, 1, 2)).hasMessageContaining("a.txt:1 has 49 tokens");
        Files.writeString(file, "\n\n");
        assertThatThrownBy(() -> plan(DUMP, corpus, 1, 2)).hasMessageContaining("a.txt holds no document");
        Files.delete(file);
        assertThatThrownBy(() -> plan(DUMP, corpus, 1, 2))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("no such file");
    }

    @Test
    void windowsThatCannotBeAreRefused() throws IOException {
        CorpusFiles corpus = corpus(folder(), new Random(1), 1);
        for (int context : new int[] {0, -1, 49}) {
            assertThatThrownBy(() -> DUMP.packed(context))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("from 1 to 48 tokens")
                    .hasMessageContaining("found " + context);
        }
        assertThatThrownBy(() -> DUMP.packed(4).filter(TokenFilter.all().skippingFirst(BOS)))
                .hasMessageContaining("packed context windows begin anywhere in a text");
        Path tiny = Files.writeString(folder().resolve("tiny.txt"), "1 2 3");
        CorpusFiles few = new CorpusFiles(List.of(tiny.toString()), PlannedDumps::document);
        assertThatThrownBy(() -> plan(DUMP.packed(4), few, 1, 1))
                .hasMessage("the corpus has too few tokens for one window of 4");
        assertThatThrownBy(() -> DUMP.packed(4).forecast(few, tokens -> {}))
                .hasMessage("the corpus has too few tokens for one window of 4");
        assertThatThrownBy(() -> new CorpusFiles(List.of(), PlannedDumps::document))
                .hasMessageContaining("at least one file");
        assertThat(plan(DUMP.packed(48), corpus, 1, 1).tokens() % 48).isZero();
    }

    @Test
    void windowsAreTheDocumentsEndToEnd() throws IOException {
        Path folder = folder();
        Path file = Files.writeString(folder.resolve("a.txt"), "60 1 2\n60 3\n60 4 5 6 7 8\n");
        CorpusFiles corpus = new CorpusFiles(List.of(file.toString()), PlannedDumps::document);
        CorpusDump dump = DUMP.packed(4);
        DumpPlan plan = planned(dump, corpus, folder.resolve("out"));
        assertThat(plan.documents()).isEqualTo(2);
        assertThat(plan.corpusDocuments()).isEqualTo(3);
        assertThat(plan.context()).hasValue(4);
        assertThat(plan.tokens()).isEqualTo(8);
        assertThat(plan.droppedTokens()).isEqualTo(3);
        write(plan, dump, folder.resolve("out"), plan.part(0, 1));
        plan.finish(folder.resolve("out"), false);
        try (ActivationStore store = ActivationStore.open(folder.resolve("out"))) {
            assertThat(IntStream.range(0, 8).map(store::token)).containsExactly(60, 1, 2, 60, 3, 60, 4, 5);
            assertThat(IntStream.range(0, 8).map(store::position)).containsExactly(0, 1, 2, 3, 0, 1, 2, 3);
            assertThat(IntStream.range(0, 8).mapToLong(store::document))
                    .containsExactly(0L, 0L, 0L, 0L, 1L, 1L, 1L, 1L);
        }
    }

    @Test
    void aPartOfAnotherPlanIsRefused() throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(3), 2);
        CorpusDump dump = DUMP.longDocuments(LongDocuments.SPLIT);
        Path one = folder.resolve("one");
        Path other = folder.resolve("other");
        DumpPlan plan = planned(dump, corpus, one);
        DumpPlan thin = planned(dump.filter(TokenFilter.all().every(2)), corpus, other);
        write(plan, dump, one, plan.shard(0));
        for (String name : List.of("activations-00000.safetensors", "activations-00000.safetensors.json")) {
            Files.copy(one.resolve(name), other.resolve(name));
        }
        String sentence = "is a part of another plan, whose SHA-256 is " + plan.sha256() + " and not " + thin.sha256();
        assertThatThrownBy(() -> write(thin, dump.filter(TokenFilter.all().every(2)), other, thin.shard(0)))
                .isInstanceOf(FileException.class)
                .hasMessageContaining(sentence);
        assertThatThrownBy(() -> thin.finish(other, false)).hasMessageContaining(sentence);
        assertThatThrownBy(() -> write(plan, dump.type(ElementType.F16), one, plan.shard(1)))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(
                        "the dump was planned otherwise: activations.dtype was \"f32\" and is now \"f16\"");
        Provenance provenance = provenance();
        Provenance changed = new Provenance(
                provenance.tool(),
                provenance.command(),
                provenance.model(),
                List.of(new Provenance.ModelFile("model.safetensors", 5, "cd")),
                BOS,
                token -> "");
        assertThatThrownBy(() -> plan.requireSame(dump, List.of(), changed))
                .hasMessageContaining("model.files[0].sha256 was \"ab\" and is now \"cd\"");
        assertThatThrownBy(() -> plan.requireSame(dump, List.of("fold_ln"), provenance))
                .hasMessageContaining("model.processing was [] and is now [\"fold_ln\"]");
    }

    @Test
    void anotherCorpusIsRefusedWhereItIsRead() throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(4), 1);
        CorpusDump dump = DUMP.longDocuments(LongDocuments.SPLIT);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        Path file = Path.of(corpus.names().getFirst());
        byte[] before = Files.readAllBytes(file);
        byte[] changed = before.clone();
        changed[1]++;
        Files.write(file, changed);
        assertThatThrownBy(() -> write(plan, dump, out, plan.part(0, 1)))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("is not what it was when the dump was planned: its text has changed");
        Files.write(file, Arrays.copyOf(before, before.length + 1));
        assertThatThrownBy(() -> write(plan, dump, out, plan.part(0, 1)))
                .hasMessageContaining("expected " + before.length + " bytes, found " + (before.length + 1));
        assertThat(shards(out)).isEmpty();
        assertThat(files(out)).containsOnlyKeys("plan.json");
        Files.write(file, before);
        write(plan, dump, out, plan.part(0, 1));
        plan.finish(out, true);
    }

    @Property(tries = 10)
    void aPartOfAnyOtherPlanIsRefused(@ForAll long seed, @ForAll long otherSeed) throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(13), 2);
        CorpusDump dump = dump(new Random(seed));
        CorpusDump otherDump = dump(new Random(otherSeed));
        Path one = folder.resolve("one");
        Path other = folder.resolve("other");
        DumpPlan plan = planned(dump, corpus, one);
        DumpPlan another = planned(otherDump, corpus, other);
        Assume.that(!plan.sha256().equals(another.sha256()));
        write(plan, dump, one, plan.shard(0));
        for (String name : List.of("activations-00000.safetensors", "activations-00000.safetensors.json")) {
            Files.copy(one.resolve(name), other.resolve(name));
        }
        String sentence = "is a part of another plan, whose SHA-256 is " + plan.sha256();
        assertThatThrownBy(() -> write(another, otherDump, other, another.shard(0)))
                .hasMessageContaining(sentence);
        assertThatThrownBy(() -> another.finish(other, false)).hasMessageContaining(sentence);
    }

    @Test
    void aFolderHoldsOnePlanAndNoOtherDump() throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(10), 1);
        CorpusDump dump = DUMP.longDocuments(LongDocuments.SPLIT);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        assertThatThrownBy(() -> DumpFolder.open(out, REFUSE)).hasMessageContaining("plan.json exists already");
        assertThatThrownBy(() -> CorpusDumpTest.write(dump, corpus, out, IfExists.RESUME))
                .hasMessageContaining("holds a dump that is written in parts by its plan.json");
        assertThatThrownBy(() -> ActivationStore.open(out))
                .hasMessageContaining("one whose parts are not all there; go on with it (DumpPlan.write and finish)");
        try (DumpFolder opened = DumpFolder.open(out, IfExists.RESUME)) {
            plan.write(opened);
            DumpPlan other = plan(dump.type(ElementType.BF16), corpus, 40, 1);
            assertThatThrownBy(() -> other.write(opened))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("is another: activations.dtype was \"f32\" and is now \"bf16\"");
        }
        assertThat(DumpPlan.read(out).sha256()).isEqualTo(plan.sha256());
        write(plan, dump, out, plan.part(0, 1));
        plan.finish(out, true);
        CorpusDumpTest.write(dump, corpus, out, IfExists.REPLACE);
        assertThat(files(out).keySet())
                .noneMatch(name -> name.endsWith(".safetensors.json") || name.equals("plan.json"));
        try (DumpFolder opened = DumpFolder.open(out, IfExists.RESUME)) {
            assertThatThrownBy(() -> plan.write(opened)).hasMessageContaining("holds a dump that was not planned");
        }
    }
}
