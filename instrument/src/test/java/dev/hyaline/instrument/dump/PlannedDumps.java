package dev.hyaline.instrument.dump;

import static dev.hyaline.instrument.dump.CorpusDumpTest.BOS;
import static dev.hyaline.instrument.dump.CorpusDumpTest.DUMP;
import static dev.hyaline.instrument.dump.CorpusDumpTest.files;
import static dev.hyaline.instrument.dump.CorpusDumpTest.provenance;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.lifecycle.AfterTry;
import org.junit.jupiter.api.AfterEach;

/** What tests of planned dumps share: random corpora and dumps, and folders of a test's own. */
abstract class PlannedDumps {
    static final DumpFolder.IfExists REFUSE = IfExists.REFUSE;

    /** Token ids with blanks between. */
    static Optional<Document> document(String file, long line, byte[] content) {
        String text = new String(content, StandardCharsets.UTF_8).strip();
        return text.isEmpty()
                ? Optional.empty()
                : Optional.of(new Document(
                        file + ":" + line,
                        Stream.of(text.split(" ", -1))
                                .mapToInt(Integer::parseInt)
                                .toArray()));
    }

    /** Folders that a test or a try of a property has made; both JUnit and jqwik run this class. */
    private final List<Path> folders = new ArrayList<>();

    Path folder() throws IOException {
        folders.add(Files.createTempDirectory("hyaline-plan"));
        return folders.getLast();
    }

    @AfterEach
    @AfterTry
    void removeFolders() throws IOException {
        for (Path folder : folders) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
        folders.clear();
    }

    static CorpusFiles corpus(Path folder, Random random, int files) throws IOException {
        List<String> names = new ArrayList<>();
        for (int f = 0; f < files; f++) {
            StringBuilder text = new StringBuilder();
            int lines = 1 + random.nextInt(12);
            for (int line = 0; line < lines; line++) {
                text.append(IntStream.range(0, random.nextInt(3))
                        .mapToObj(i -> "\n")
                        .collect(Collectors.joining()));
                text.append(BOS);
                random.ints(random.nextInt(110), 0, BOS)
                        .forEach(token -> text.append(' ').append(token));
                text.append(line + 1 < lines || random.nextBoolean() ? "\n" : "");
            }
            Path file = folder.resolve("corpus-" + f + ".txt");
            Files.writeString(file, text);
            names.add(file.toString());
        }
        return new CorpusFiles(names, PlannedDumps::document);
    }

    static CorpusDump dump(Random random) {
        CorpusDump dump = DUMP.longDocuments(random.nextBoolean() ? LongDocuments.SPLIT : LongDocuments.TRUNCATE)
                .type(random.nextBoolean() ? ElementType.F32 : ElementType.F16)
                .batchTokens(1 + random.nextInt(200));
        TokenFilter filter = TokenFilter.all().every(1 + random.nextInt(4));
        if (random.nextBoolean()) {
            filter = filter.positions(IndexSelection.parse("0-20,last"));
        }
        if (random.nextInt(4) == 0) {
            return dump.packed(1 + random.nextInt(Models.CONFIG.nCtx()))
                    .shardBytes(1)
                    .latentsOf(new FiringSite(Models.CONFIG.dModel()));
        }
        return random.nextBoolean()
                ? dump.filter(filter).packed(1 + random.nextInt(Models.CONFIG.nCtx()))
                : dump.filter(random.nextBoolean() ? filter : filter.skippingFirst(BOS));
    }

    static DumpPlan plan(CorpusDump dump, CorpusFiles corpus, int splitBytes, int threads) {
        return DumpPlan.of(dump, corpus, splitBytes, List.of(), provenance(), threads, tokens -> {});
    }

    static DumpPlan planned(CorpusDump dump, CorpusFiles corpus, Path out) {
        DumpPlan plan = plan(dump, corpus, 40, 2);
        try (DumpFolder opened = DumpFolder.open(out, REFUSE)) {
            plan.write(opened);
        }
        return DumpPlan.read(out);
    }

    static DumpPlan.PartSummary write(DumpPlan plan, CorpusDump dump, Path out, DumpPlan.Range part) {
        try (Gpt2 model = Models.small()) {
            return plan.write(
                    dump,
                    model,
                    PlannedDumps::document,
                    provenance(),
                    out,
                    part,
                    CorpusListener.NONE,
                    FailingDisk.large());
        }
    }

    static Map<String, byte[]> shards(Path folder) throws IOException {
        Map<String, byte[]> shards = files(folder);
        shards.keySet().removeIf(name -> !name.endsWith(".safetensors"));
        return shards;
    }

    static void assertSameShards(Path found, Map<String, byte[]> expected) throws IOException {
        Map<String, byte[]> there = shards(found);
        assertThat(there.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, bytes) -> assertThat(there.get(name)).as(name).isEqualTo(bytes));
    }
}
