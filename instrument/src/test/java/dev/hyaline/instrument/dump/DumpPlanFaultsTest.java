package dev.hyaline.instrument.dump;

import static dev.hyaline.instrument.dump.CorpusDumpTest.DUMP;
import static dev.hyaline.instrument.dump.CorpusDumpTest.files;
import static dev.hyaline.instrument.dump.CorpusDumpTest.provenance;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** What stops, changes or repeats a part of a planned dump never shows in its bytes. */
final class DumpPlanFaultsTest extends PlannedDumps {
    @Test
    void aFlippedByteIsFoundAndMended() throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(5), 2);
        CorpusDump dump = DUMP.longDocuments(LongDocuments.SPLIT);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        write(plan, dump, out, plan.part(0, 1));
        plan.finish(out, true);
        Map<String, byte[]> sound = files(out);
        Path shard = out.resolve("activations-00001.safetensors");
        byte[] flipped = Files.readAllBytes(shard);
        flipped[flipped.length - 5] ^= 4;
        Files.write(shard, flipped);
        plan.finish(out, false);
        assertThatThrownBy(() -> plan.finish(out, true))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("activations-00001.safetensors: expected SHA-256")
                .hasMessageContaining("delete it, and write shard 1 again");
        Files.delete(shard);
        assertThatThrownBy(() -> plan.finish(out, false))
                .hasMessageContaining("lacks these of the " + plan.shards()
                        + " shards of its plan, or the JSON beside them: 1; write them, then finish");
        assertThat(write(plan, dump, out, plan.part(0, 1)).found()).isEqualTo(plan.shards() - 1);
        plan.finish(out, true);
        assertThat(files(out)).containsExactlyEntriesOf(sound);
    }

    @Test
    void aMachineThatComputesOtherwiseIsNoticed() throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(6), 2);
        CorpusDump dump = DUMP.longDocuments(LongDocuments.SPLIT);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        write(plan, dump, out, plan.shard(0));
        Path json = out.resolve("activations-00000.safetensors.json");
        String done = Files.readString(json);
        String sha256 = done.replaceAll("(?s).*\"shard\".*\"sha256\" : \"([0-9a-f]{64})\".*", "$1");
        // A twin of the writer of shard 0 that was slower, on a machine whose result differs.
        AtomicLong begun = new AtomicLong();
        assertThatThrownBy(() -> {
                    Files.delete(json);
                    try (Gpt2 model = Models.small()) {
                        plan.write(
                                dump,
                                model,
                                PlannedDumps::document,
                                provenance(),
                                out,
                                plan.shard(0),
                                new CorpusListener() {
                                    @Override
                                    public void done(long tokens) {
                                        if (begun.incrementAndGet() == 1) {
                                            try {
                                                Files.writeString(
                                                        json,
                                                        done.replace(sha256, "0".repeat(64))
                                                                .replaceAll("\"host\" : \".*\"", "\"host\" : \"far\""));
                                            } catch (IOException e) {
                                                throw new IllegalStateException(e);
                                            }
                                        }
                                    }
                                });
                    }
                })
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("was written on far with SHA-256 " + "0".repeat(64))
                .hasMessageContaining(sha256)
                .hasMessageContaining("one of the two machines is at fault");
    }

    @Test
    void twinsDoNoHarm() throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(7), 3);
        CorpusDump dump = DUMP.longDocuments(LongDocuments.SPLIT);
        Path whole = folder.resolve("whole");
        CorpusDumpTest.write(dump, corpus, whole, REFUSE);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        List<CompletableFuture<DumpPlan.PartSummary>> twins = new ArrayList<>();
        for (int twin = 0; twin < 3; twin++) {
            twins.add(CompletableFuture.supplyAsync(() -> write(plan, dump, out, plan.part(0, 1))));
        }
        twins.forEach(CompletableFuture::join);
        plan.finish(out, true);
        assertSameShards(out, shards(whole));
        assertThat(files(out).keySet().stream().filter(name -> name.startsWith(".")))
                .isEmpty();
    }

    /** Two write the same shards at the same time, and one of them is stopped anywhere. */
    @Property(tries = 8)
    void aTwinThatIsStoppedDoesNoHarm(@ForAll long seed, @ForAll @IntRange(min = 0, max = 60_000) int room)
            throws IOException {
        Random random = new Random(seed);
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(11), 2);
        CorpusDump dump = dump(random);
        Path whole = folder.resolve("whole");
        CorpusDumpTest.write(dump, corpus, whole, REFUSE);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        DumpPlan.Range shard = plan.shard(random.nextLong(plan.shards()));
        CompletableFuture<DumpPlan.PartSummary> twin =
                CompletableFuture.supplyAsync(() -> write(plan, dump, out, shard));
        try (Gpt2 model = Models.small()) {
            plan.write(
                    dump,
                    model,
                    PlannedDumps::document,
                    provenance(),
                    out,
                    shard,
                    CorpusListener.NONE,
                    new FailingDisk(room));
        } catch (FileException e) {
            assertThat(e).hasMessageContaining("No space left on device");
        }
        assertThat(twin.join().rows()).isBetween(0L, plan.rows());
        write(plan, dump, out, plan.part(0, 1));
        plan.finish(out, true);
        assertSameShards(out, shards(whole));
    }

    @Property(tries = 10)
    void aFlippedByteAnywhereIsFound(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(12), 2);
        CorpusDump dump = dump(random);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        write(plan, dump, out, plan.part(0, 1));
        List<Path> written = plan.finish(out, true).shards();
        Path shard = written.get(random.nextInt(written.size()));
        byte[] sound = Files.readAllBytes(shard);
        byte[] flipped = sound.clone();
        flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
        Files.write(shard, flipped);
        assertThatThrownBy(() -> plan.finish(out, true))
                .isInstanceOf(FileException.class)
                .hasMessageContaining(shard.getFileName() + ": expected SHA-256");
        Files.write(shard, sound);
        plan.finish(out, true);
    }

    /** A full disk stops a part anywhere; what it leaves is no shard, and its part is written again. */
    @Property(tries = 12)
    void aFullDiskLeavesNothingHalf(@ForAll @IntRange(min = 0, max = 120_000) int room) throws IOException {
        Path folder = folder();
        CorpusFiles corpus = corpus(folder, new Random(9), 3);
        CorpusDump dump = DUMP.longDocuments(LongDocuments.SPLIT);
        Path whole = folder.resolve("whole");
        CorpusDumpTest.write(dump, corpus, whole, REFUSE);
        Map<String, byte[]> expected = shards(whole);
        Path out = folder.resolve("out");
        DumpPlan plan = planned(dump, corpus, out);
        try (Gpt2 model = Models.small()) {
            plan.write(
                    dump,
                    model,
                    PlannedDumps::document,
                    provenance(),
                    out,
                    plan.part(0, 1),
                    CorpusListener.NONE,
                    new FailingDisk(room));
        } catch (FileException e) {
            assertThat(e).hasMessageContaining("No space left on device");
        }
        shards(out).forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(expected.get(name)));
        assertThat(files(out).keySet().stream().filter(name -> name.startsWith(".")))
                .isEmpty();
        write(plan, dump, out, plan.part(0, 1));
        plan.finish(out, true);
        assertSameShards(out, expected);
    }
}
