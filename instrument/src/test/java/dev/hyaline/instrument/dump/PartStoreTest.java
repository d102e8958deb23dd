package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Models;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A planned dump whose corpus and shards are not in this machine's file system. */
final class PartStoreTest {
    private static final String TEXT = "60 1 2 3 4 5\n60 6 7\n60 8 9 10 11 12 13 14\n".repeat(30);
    private static final CorpusDump DUMP = CorpusDump.of(Models.CONFIG, List.of(HookPoint.of(Site.RESID_POST, 0)))
            .shardBytes(1);

    @TempDir
    private Path temporary;

    private CorpusDump dump = DUMP;
    private MemoryStore store;

    /** A store in memory. */
    private record MemoryStore(Path scratch, Map<String, byte[]> files) implements PartStore {
        @Override
        public String name(String file) {
            return "memory:/dump/" + file;
        }

        @Override
        public String name() {
            return "memory:/dump";
        }

        @Override
        public OptionalLong size(String file) {
            return files.containsKey(file) ? OptionalLong.of(files.get(file).length) : OptionalLong.empty();
        }

        @Override
        public InputStream open(String file) {
            return new ByteArrayInputStream(files.get(file));
        }

        @Override
        public void publish(Path written, String file) throws IOException {
            files.put(file, Files.readAllBytes(written));
        }

        @Override
        public boolean publishNew(Path written, String file) throws IOException {
            return files.putIfAbsent(file, Files.readAllBytes(written)) == null;
        }

        @Override
        public void removeAttempts(Predicate<String> isAttempt) {
            files.keySet().removeIf(isAttempt);
        }
    }

    @BeforeEach
    void makeStore() throws IOException {
        store = new MemoryStore(Files.createDirectories(temporary.resolve("scratch")), new TreeMap<>());
        MemoryFiles.FILES.put("memory://corpus/a.txt", TEXT.getBytes(StandardCharsets.UTF_8));
        MemoryFiles.FILES.put("memory://corpus/b.txt", "60 20 21\n".getBytes(StandardCharsets.UTF_8));
        MemoryFiles.FILES.put("memory://corpus/notes", "no corpus".getBytes(StandardCharsets.UTF_8));
    }

    @AfterEach
    void removeFiles() {
        MemoryFiles.FILES.clear();
    }

    private DumpPlan plan(String folder) {
        CorpusFiles corpus = new CorpusFiles(CorpusFiles.expand(folder), PlannedDumps::document);
        return DumpPlan.of(dump, corpus, 40, List.of(), CorpusDumpTest.provenance(), 2, tokens -> {});
    }

    private DumpPlan.PartSummary write(DumpPlan plan, DumpPlan.Range part) {
        try (Gpt2 model = Models.small()) {
            return plan.write(
                    dump, model, PlannedDumps::document, CorpusDumpTest.provenance(), store, part, CorpusListener.NONE);
        }
    }

    @Test
    void theShardsAreThoseOfAFolder() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("corpus"));
        List<String> names = List.of(
                Files.writeString(folder.resolve("a.txt"), TEXT).toString(),
                Files.writeString(folder.resolve("b.txt"), "60 20 21\n").toString());
        Path whole = temporary.resolve("whole");
        CorpusDumpTest.write(dump, new CorpusFiles(names, PlannedDumps::document), whole, DumpFolder.IfExists.REFUSE);

        DumpPlan plan = plan("memory://corpus");
        assertThat(plan.files()).containsExactly("memory://corpus/a.txt", "memory://corpus/b.txt");
        plan.write(store);
        plan.write(store);
        assertThat(DumpPlan.read(store).sha256()).isEqualTo(plan.sha256());
        store.files().put(".activations-00000.safetensors.attempt-killed", new byte[3]);
        assertThatThrownBy(() -> plan.finish(store, false))
                .isInstanceOf(FileException.class)
                .hasMessageStartingWith("memory:/dump lacks these of the ");
        DumpPlan.PartSummary written = write(plan, plan.part(0, 1));
        assertThat(written.written()).hasSize((int) plan.shards()).contains(Path.of("activations-00001.safetensors"));
        plan.verify(store, plan.part(0, 1));
        assertThat(plan.finish(store, true).manifest()).isEqualTo(Path.of("manifest.json"));
        try (Stream<Path> left = Files.list(temporary.resolve("scratch"))) {
            assertThat(left).isEmpty();
        }
        assertThat(store.files().keySet()).noneMatch(name -> name.startsWith("."));

        Path copy = Files.createDirectories(temporary.resolve("copy"));
        for (Map.Entry<String, byte[]> file : store.files().entrySet()) {
            Files.write(copy.resolve(file.getKey()), file.getValue());
        }
        try (ActivationStore found = ActivationStore.open(copy);
                ActivationStore single = ActivationStore.open(whole)) {
            found.verify();
            assertThat(found.checksums()).hasSizeGreaterThan(1).isEqualTo(single.checksums());
        }
    }

    @Test
    void whatIsAmissIsNamed() {
        DumpPlan plan = plan("memory://corpus/a.txt");
        plan.write(store);
        write(plan, plan.part(0, 1));
        byte[] shard = store.files().get("activations-00001.safetensors").clone();
        shard[shard.length / 2] ^= 1;
        store.files().put("activations-00001.safetensors", shard);
        assertThatThrownBy(() -> plan.verify(store, plan.shard(1)))
                .hasMessageStartingWith("memory:/dump/activations-00001.safetensors: expected SHA-256 ");
        plan.verify(store, plan.shard(0));

        String json = "activations-00000.safetensors.json";
        String done = new String(store.files().get(json), StandardCharsets.UTF_8);
        store.files()
                .put(
                        json,
                        done.replaceAll("\"sha256\" : \"\\w+\"", "\"sha256\" : \"" + "0".repeat(64) + "\"")
                                .getBytes(StandardCharsets.UTF_8));
        byte[] first = store.files().remove("activations-00000.safetensors");
        // Without its file it is not done; written again, it is not what its JSON says.
        assertThatThrownBy(() -> write(plan, plan.shard(0)))
                .isInstanceOf(HyalineException.class)
                .hasMessageStartingWith("memory:/dump/activations-00000.safetensors was written on ")
                .hasMessageContaining("one of the two machines is at fault");
        assertThat(store.files().get("activations-00000.safetensors")).isEqualTo(first);

        dump = DUMP.filter(TokenFilter.all().every(2));
        DumpPlan thin = plan("memory://corpus/a.txt");
        assertThatThrownBy(() -> thin.write(store))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("the plan in memory:/dump is another: capture.every was 1 and is now 2");
        store.files().remove(DumpPlan.FILE);
        store.files().put("manifest.json", new byte[0]);
        assertThatThrownBy(() -> thin.write(store)).hasMessageContaining("holds a dump that was not planned");
        assertThatThrownBy(() -> write(thin, thin.shard(0)))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("is a part of another plan");
    }

    @Test
    void namesOfFilesElsewhere() {
        assertThat(CorpusFiles.expand("memory://corpus/*.x"))
                .containsExactly("memory://corpus/a.txt", "memory://corpus/b.txt", "memory://corpus/notes");
        assertThat(CorpusFiles.isRemote("memory://corpus/a.txt")).isTrue();
        assertThat(CorpusFiles.isRemote("C:/corpus/a.txt")).isFalse();
        assertThatThrownBy(() -> CorpusFiles.expand("memory://nothing/*"))
                .hasMessageContaining("no file matches the pattern memory://nothing/*");
        assertThatThrownBy(() -> CorpusFiles.expand("memory://nothing"))
                .hasMessageContaining("the folder memory://nothing holds no file of a corpus");
        assertThatThrownBy(() -> CorpusFiles.isRemote("nowhere://bucket/a.txt"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("read through Hadoop by the module hyaline-spark");
        DumpPlan plan = plan("memory://corpus/a.txt");
        MemoryFiles.FILES.put("memory://corpus/a.txt", "60 1\n".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> write(plan, plan.shard(0))).hasMessageContaining("not what it was when");
        MemoryFiles.FILES.remove("memory://corpus/a.txt");
        assertThatThrownBy(() -> write(plan, plan.shard(0)))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("there is no memory://corpus/a.txt");
    }
}
