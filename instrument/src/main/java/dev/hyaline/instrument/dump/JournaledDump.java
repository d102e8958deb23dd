package dev.hyaline.instrument.dump;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.files.FileLayout;
import dev.hyaline.files.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/** Writes a dump in one run. A journal beside the shards lets it go on where an earlier run was stopped. */
final class JournaledDump {
    private JournaledDump() {}

    static CorpusDump.CorpusSummary write(
            CorpusDump dump,
            Gpt2 model,
            Corpus corpus,
            CorpusDump.Forecast forecast,
            DumpFolder folder,
            Provenance provenance,
            CorpusListener listener) {
        if (folder.ifExists() == DumpFolder.IfExists.RESUME
                && Files.exists(folder.path().resolve(DumpPlan.FILE))) {
            throw FileException.occupied(
                    folder.path(),
                    "holds a dump that is written in parts by its " + DumpPlan.FILE + "; go on with it ("
                            + Remedy.FINISH_PARTS + "), start over (" + Remedy.REPLACE + ") or choose another folder");
        }
        ShardPlan plan = dump.plan(forecast.rows());
        Json request =
                ShardManifest.request(dump, plan, forecast, model.weights().processing(), provenance);
        Path manifest = folder.path().resolve(DumpFolder.MANIFEST);
        try {
            if (folder.ifExists() == DumpFolder.IfExists.RESUME && Files.exists(manifest)) {
                List<Shard> shards = finished(folder.path(), request);
                if (areWhole(folder.path(), shards)) {
                    return written(folder, shards, forecast.rows());
                }
                Journal.restore(folder.path(), request, shards);
                folder.removeManifest();
            }
            try (Journal journal = journal(folder, request)) {
                long resumed = Math.min(journal.shards().size() * plan.rowsPerShard(), plan.rows());
                requireRoom(folder, forecast, journal);
                try (RowWriter writer = RowWriter.of(
                        plan, shardFiles(folder, journal), journal.shards().size())) {
                    new CorpusPasses(dump, model, plan, writer, listener).run(corpus, forecast, resumed);
                    writer.finish();
                }
                List<Shard> shards = journal.shards();
                byte[] json = ShardManifest.json(request, provenance.model(), provenance.command(), shards, model);
                FileLayout.writeFully(folder.manifest(), ByteBuffer.wrap(json), 0);
                folder.commitShards();
                return written(folder, shards, resumed);
            }
        } catch (IOException e) {
            throw FileException.stopped(folder.path(), e);
        } catch (UncheckedIOException e) {
            throw FileException.stopped(folder.path(), Objects.requireNonNull(e.getCause()));
        }
    }

    private static Journal journal(DumpFolder folder, Json request) throws IOException {
        if (folder.ifExists() == DumpFolder.IfExists.RESUME) {
            Optional<Journal> journal = Journal.resume(folder.path(), request);
            if (journal.isPresent()) {
                return journal.get();
            }
        }
        folder.clear();
        return Journal.create(folder, request);
    }

    /** The files of a dump that one run writes: each is listed in a journal as it appears. */
    private static ShardFiles shardFiles(DumpFolder folder, Journal journal) {
        return new ShardFiles() {
            @Override
            public FileChannel begin(String name) {
                return folder.begin(name);
            }

            @Override
            public void complete(Shard shard) throws IOException {
                folder.publish(shard.file());
                journal.add(shard);
            }
        };
    }

    /** The shards of a dump that an earlier run has finished. */
    private static List<Shard> finished(Path folder, Json request) {
        Json recorded = ShardManifest.read(folder.resolve(DumpFolder.MANIFEST));
        ShardManifest.requireSame(folder, recorded, request);
        return recorded.require("shards").elements().stream().map(Shard::of).toList();
    }

    private static boolean areWhole(Path folder, List<Shard> shards) {
        return IntStream.range(0, shards.size()).allMatch(s -> Journal.isWhole(folder, shards.get(s), s));
    }

    private static CorpusDump.CorpusSummary written(DumpFolder folder, List<Shard> shards, long resumed) {
        return new CorpusDump.CorpusSummary(
                folder.path().resolve(DumpFolder.MANIFEST),
                shards.stream()
                        .map(shard -> folder.path().resolve(shard.file()))
                        .toList(),
                shards.stream().mapToLong(Shard::bytes).sum(),
                resumed,
                shards.stream().mapToLong(Shard::overflowed).sum());
    }

    private static void requireRoom(DumpFolder folder, CorpusDump.Forecast forecast, Journal journal) {
        long left = forecast.bytes()
                - journal.shards().stream().mapToLong(Shard::bytes).sum();
        if (folder.usableSpace() < left) {
            throw FileException.occupied(
                    folder.path(), "has no room for " + left + " bytes; free some, or write fewer sites or tokens");
        }
    }
}
