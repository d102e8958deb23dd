package dev.hyaline.instrument.dump;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.files.Digests;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.FileLayout;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonDifference;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.internal.DumpErrors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * A plan by which any number of processes, on any number of machines, write the shards of one dump, in any order: the
 * bytes of a shard are a function of the plan alone, and equal those that {@link CorpusDump#write} gives. A plan lies
 * in the folder of its dump as {@code plan.json}. It holds what was asked for, and where in the corpus reading can
 * begin, with what comes before, so that no part reads the corpus from its start. Immutable.
 *
 * <p>A shard may be written by several processes at once, and again after any of them was killed. {@link #finish}
 * writes the manifest when all are there.
 */
public final class DumpPlan {
    /** Name of the plan in its dump's folder. */
    public static final String FILE = "plan.json";

    /** Names the layout of the JSON. */
    private static final String FORMAT = "hyaline-plan/1";

    /** The most shards that an error names. */
    private static final int SHOWN = 8;

    private final byte[] bytes;
    private final Json request;
    private final String model;
    private final List<String> command;
    private final PlannedCorpus corpus;
    private final ShardPlan shards;

    private DumpPlan(byte[] bytes, String label) {
        this.bytes = bytes;
        Json json = Json.readObject(DumpErrors.INSTANCE, label, bytes);
        PlanJson.requireKeys(json, "format", "request", "name", "command", "totals", "splits");
        if (!json.require("format").string().equals(FORMAT)) {
            throw json.require("format").expected("\"" + FORMAT + "\"");
        }
        request = json.require("request");
        model = json.require("name").string();
        command = json.require("command").elements().stream().map(Json::string).toList();
        shards = StoreManifest.of(request).plan();
        corpus = PlannedCorpus.of(json);
    }

    /**
     * Plans a dump: reads the corpus through, without running it.
     *
     * @param processing what is done to the model's weights
     * @param threads that read; the plan does not depend on them
     * @param progress told how many more tokens were read
     * @throws BadInputException naming a document that cannot be run, or if no token gets a row
     */
    public static DumpPlan of(
            CorpusDump dump,
            CorpusFiles corpus,
            List<String> processing,
            Provenance provenance,
            int threads,
            LongConsumer progress) {
        return of(dump, corpus, corpus.splitBytes(), processing, provenance, threads, progress);
    }

    static DumpPlan of(
            CorpusDump dump,
            CorpusFiles corpus,
            int splitBytes,
            List<String> processing,
            Provenance provenance,
            int threads,
            LongConsumer progress) {
        PlannedCorpus planned = corpus.count(split -> count(dump, split), splitBytes, threads, progress);
        CorpusCounts run = planned.run(dump);
        long rows = run.rows(dump.filter().every());
        dump.requireRows(run.documents(), rows);
        Json request =
                ShardManifest.request(dump, dump.plan(rows), processing, provenance, json -> planned.write(dump, json));
        byte[] plan = JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", FORMAT);
            request.write("request", json);
            json.writeStringProperty("name", provenance.model());
            Manifest.strings(json, "command", provenance.command());
            planned.writeSplits(json);
            json.writeEndObject();
        });
        return new DumpPlan(plan, FILE);
    }

    /** Counts the documents of a split: as the model reads them or, if they are to be packed, as they are. */
    private static CorpusCounts count(CorpusDump dump, Corpus split) {
        if (dump.context().isPresent()) {
            return PackedCorpus.count(dump.config(), split);
        }
        try (CorpusReader pieces = dump.pieces(split)) {
            while (pieces.next().isPresent()) {
                // Counting is all.
            }
            return pieces.counts();
        }
    }

    /**
     * Reads the plan of a dump.
     *
     * @throws FileException if there is none, or it is damaged
     */
    public static DumpPlan read(Path folder) {
        try (FileInput input = FileInput.open(folder.resolve(FILE), DumpErrors.INSTANCE)) {
            return new DumpPlan(input.readAll(ShardManifest.MAX_LENGTH), input.label());
        }
    }

    /**
     * As {@link #read(Path)}, of a dump that is elsewhere.
     *
     * @throws FileException if there is none, or it is damaged
     */
    public static DumpPlan read(PartStore store) {
        return new DumpPlan(PartFiles.read(store, FILE, ShardManifest.MAX_LENGTH), store.name(FILE));
    }

    /**
     * Writes the plan, durably and whole. What the folder held disappears, unless it is to be resumed: then a plan that
     * is there must be this one.
     *
     * @throws BadInputException if the folder is to be resumed and holds another plan
     * @throws FileException if it cannot be written, or the folder holds a dump of another kind
     */
    public void write(DumpFolder folder) {
        Path file = folder.path().resolve(FILE);
        try {
            if (folder.ifExists() == DumpFolder.IfExists.RESUME
                    && !DumpFolder.existing(folder.path()).isEmpty()) {
                if (!Files.exists(file)) {
                    throw FileException.occupied(
                            folder.path(),
                            "holds a dump that was not planned; choose another folder, or start over (" + Remedy.REPLACE
                                    + ")");
                }
                requireThis(read(folder.path()), folder.path().toAbsolutePath().toString());
                return;
            }
            folder.clear();
            FileChannel channel = folder.begin(FILE);
            FileLayout.writeFully(channel, ByteBuffer.wrap(bytes), 0);
            channel.force(true);
            folder.publish(FILE);
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    /**
     * Writes the plan to a store, unless it is there.
     *
     * @throws BadInputException if the store holds another plan
     * @throws FileException if it cannot be written, or the store holds a dump without a plan
     */
    public void write(PartStore store) {
        try (PartFiles files = files(store)) {
            if (store.size(FILE).isPresent()) {
                requireThis(read(store), store.name());
            } else if (store.size(DumpFolder.MANIFEST).isPresent()) {
                throw FileException.occupied(store.name(), "holds a dump that was not planned; choose another folder");
            } else {
                files.write(FILE, bytes);
            }
        } catch (IOException e) {
            throw FileException.writing(store.name(FILE), e);
        }
    }

    private PartFiles files(PartStore store) {
        return new PartFiles(store, shards, sha256(), UnaryOperator.identity());
    }

    private void requireThis(DumpPlan there, String folder) {
        if (!Arrays.equals(there.bytes, bytes)) {
            throw new BadInputException("the plan in " + folder + " is another: "
                    + JsonDifference.find(there.request, request)
                            .map(JsonDifference::toString)
                            .orElse("its command or its splits are not the same")
                    + "; choose another folder, or start over (" + Remedy.REPLACE + ")");
        }
    }

    /** SHA-256 of the file, which every part names. */
    public String sha256() {
        return Digests.sha256(bytes);
    }

    /** The command that writes the same shards in one process. */
    public List<String> command() {
        return command;
    }

    /** Name or path of the model. */
    public String model() {
        return model;
    }

    /** Names of the corpus's files. */
    public List<String> files() {
        return corpus.files().stream().map(PlannedFile::name).toList();
    }

    /** Documents of the dump, or windows, if packed. */
    public long documents() {
        return request.require("corpus").require("documents").whole(1);
    }

    /** Documents of the corpus, which are packed into windows if the plan has a {@link #context}. */
    public long corpusDocuments() {
        return corpus.totals().documents();
    }

    /** Tokens of a window into which documents are packed. */
    public OptionalInt context() {
        Optional<Json> context = request.require("capture").get("context");
        return context.isPresent() ? OptionalInt.of(context.get().integer(1, Integer.MAX_VALUE)) : OptionalInt.empty();
    }

    /** Tokens that the model reads. */
    public long tokens() {
        return request.require("corpus").require("tokens").whole(1);
    }

    /** Tokens after the last whole window. */
    public long droppedTokens() {
        return corpus.totals().tokens() - tokens();
    }

    public long rows() {
        return shards.rows();
    }

    public long shards() {
        return shards.shards();
    }

    /** Size of all shards; where they hold latents ({@link CorpusDump#latentsOf}), without those that fire. */
    public long bytes() {
        return shards.bytes();
    }

    /** Returns whether the shards hold only the latents that fire, whose number is not known before. */
    public boolean isOfLatents() {
        return shards.latents() != null;
    }

    /**
     * Shards that follow one another.
     *
     * @param first index of the first
     * @param end index after the last
     */
    public record Range(long first, long end) {}

    /**
     * The shards of a part, as even as may be. Some parts are empty if there are more parts than shards.
     *
     * @param part its index, from 0
     * @param parts their number
     * @throws BadInputException if there is no such part
     */
    public Range part(long part, long parts) {
        if (part < 0 || part >= parts) {
            throw new BadInputException("there is no part " + part + " of " + parts + "; the parts run from 0 to "
                    + Math.max(0, parts - 1));
        }
        return new Range(startOf(part, parts), startOf(part + 1, parts));
    }

    private long startOf(long part, long parts) {
        return part * (shards() / parts) + Math.min(part, shards() % parts);
    }

    /**
     * One shard.
     *
     * @throws BadInputException if there is no such shard
     */
    public Range shard(long shard) {
        if (shard < 0 || shard >= shards()) {
            throw new BadInputException(
                    "there is no shard " + shard + "; those of the plan run from 0 to " + (shards() - 1));
        }
        return new Range(shard, shard + 1);
    }

    /**
     * Checks that a dump is the planned one, as far as it does not depend on the corpus.
     *
     * @param processing what is done to the model's weights
     * @throws BadInputException naming the first thing that differs, such as the checksum of a file of the model
     */
    public void requireSame(CorpusDump dump, List<String> processing, Provenance provenance) {
        CorpusCounts run = corpus.run(dump);
        if (run.rows(dump.filter().every()) != rows()) {
            throw new BadInputException(
                    "the counts of the plan give " + run.rows(dump.filter().every()) + " rows, but it has " + rows()
                            + "; plan the dump again (" + Remedy.REPLACE + ")");
        }
        Json now = ShardManifest.request(
                dump, dump.plan(rows()), processing, provenance, json -> corpus.write(dump, json));
        JsonDifference.find(request, now).ifPresent(difference -> {
            throw new BadInputException("the dump was planned otherwise: " + difference
                    + "; use what it was planned with, or plan it again (" + Remedy.REPLACE + ")");
        });
    }

    /**
     * What a part has written.
     *
     * @param rows that it wrote
     * @param found shards of the part that were done before
     * @param overflowed finite values that became infinite because the type has none so large
     */
    public record PartSummary(List<Path> written, long rows, long bytes, long found, long overflowed) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * Runs a part and writes its shards, but those that are done.
     *
     * @param parser reads the corpus's lines as it did when the dump was planned
     * @throws BadInputException if dump, model or corpus is not the planned one
     * @throws FileException if the folder's file system has no room, a file cannot be written or is of another plan
     */
    public PartSummary write(
            CorpusDump dump,
            Gpt2 engine,
            LineParser parser,
            Provenance provenance,
            Path folder,
            Range part,
            CorpusListener listener) {
        return write(dump, engine, parser, provenance, folder, part, listener, UnaryOperator.identity());
    }

    PartSummary write(
            CorpusDump dump,
            Gpt2 engine,
            LineParser parser,
            Provenance provenance,
            Path folder,
            Range part,
            CorpusListener listener,
            UnaryOperator<FileChannel> disk) {
        PartSummary summary = write(dump, engine, parser, provenance, new PartFolder(folder), part, listener, disk);
        return new PartSummary(
                summary.written().stream().map(folder::resolve).toList(),
                summary.rows(),
                summary.bytes(),
                summary.found(),
                summary.overflowed());
    }

    /**
     * As the other, of a dump that is elsewhere. The paths of the summary are relative to the store.
     *
     * @param parser reads the corpus's lines as it did when the dump was planned
     * @throws BadInputException if dump, model or corpus is not the planned one
     * @throws FileException if there is no room to write a shard, a file cannot be written or is of another plan
     */
    public PartSummary write(
            CorpusDump dump,
            Gpt2 engine,
            LineParser parser,
            Provenance provenance,
            PartStore store,
            Range part,
            CorpusListener listener) {
        return write(dump, engine, parser, provenance, store, part, listener, UnaryOperator.identity());
    }

    private PartSummary write(
            CorpusDump dump,
            Gpt2 engine,
            LineParser parser,
            Provenance provenance,
            PartStore store,
            Range part,
            CorpusListener listener,
            UnaryOperator<FileChannel> disk) {
        requireSame(dump, engine.weights().processing(), provenance);
        CorpusFiles documents = new CorpusFiles(files(), parser);
        try (PartFiles done = new PartFiles(store, shards, sha256(), disk)) {
            long found = 0;
            List<Range> missing = new ArrayList<>();
            for (long s = part.first(); s < part.end(); s++) {
                if (done.done(s).isPresent()) {
                    found++;
                } else if (!missing.isEmpty() && missing.getLast().end() == s) {
                    missing.add(new Range(missing.removeLast().first(), s + 1));
                } else {
                    missing.add(new Range(s, s + 1));
                }
            }
            requireRoom(store.scratch(), missing);
            List<Shard> written = new ArrayList<>();
            for (Range range : missing) {
                run(dump, engine, documents, done, range, listener);
                for (long s = range.first(); s < range.end(); s++) {
                    written.add(done.done(s)
                            .orElseThrow(() -> FileException.occupied(
                                    store.name(),
                                    "does not keep what is written to it: a shard that was complete is gone")));
                }
            }
            return new PartSummary(
                    written.stream().map(shard -> Path.of(shard.file())).toList(),
                    written.stream().mapToLong(Shard::rows).sum(),
                    written.stream().mapToLong(Shard::bytes).sum(),
                    found,
                    written.stream().mapToLong(Shard::overflowed).sum());
        } catch (IOException e) {
            throw FileException.writing(store.name(), e);
        } catch (UncheckedIOException e) {
            throw FileException.writing(store.name(), Objects.requireNonNull(e.getCause()));
        }
    }

    private void requireRoom(Path folder, List<Range> missing) throws IOException {
        long left = missing.stream()
                .mapToLong(range -> (range.end() - range.first()) * shards.bytes(range.first()))
                .sum();
        if (!missing.isEmpty() && Files.getFileStore(folder).getUsableSpace() < left) {
            throw FileException.occupied(
                    folder, "has no room for " + left + " bytes; free some, or write fewer sites or tokens");
        }
    }

    private void run(
            CorpusDump dump, Gpt2 engine, CorpusFiles documents, PartFiles to, Range range, CorpusListener listener)
            throws IOException {
        long firstRow = range.first() * shards.rowsPerShard();
        long endRow = Math.min(range.end() * shards.rowsPerShard(), shards.rows());
        PlannedCorpus.Begin begin = corpus.begin(dump, firstRow);
        try (CorpusReader pieces =
                        dump.pieces(() -> documents.documents(corpus, begin.split()), begin.before(), begin.skipped());
                RowWriter writer = RowWriter.of(shards, to, range.first())) {
            new CorpusPasses(dump, engine, shards, writer, listener).runPart(pieces, firstRow, endRow);
            writer.finish();
        }
    }

    /**
     * Writes the manifest, if every shard is done, and removes what killed attempts left. The manifest is a function of
     * the plan, too.
     *
     * @param verify whether every shard is read and compared with its checksum
     * @throws FileException naming the shards that are missing, or one that is damaged or of another plan
     */
    public CorpusDump.CorpusSummary finish(Path folder, boolean verify) {
        CorpusDump.CorpusSummary summary = finish(new PartFolder(folder), verify);
        return new CorpusDump.CorpusSummary(
                folder.resolve(summary.manifest()),
                summary.shards().stream().map(folder::resolve).toList(),
                summary.bytes(),
                summary.resumedRows(),
                summary.overflowed());
    }

    /**
     * As the other, of a dump that is elsewhere. The paths of the summary are relative to the store.
     *
     * @throws FileException naming the shards that are missing, or one that is damaged or of another plan
     */
    public CorpusDump.CorpusSummary finish(PartStore store, boolean verify) {
        try (PartFiles parts = files(store)) {
            List<Shard> done = done(parts, new Range(0, shards()), store);
            if (verify) {
                verify(parts, done, 0);
            }
            parts.write(DumpFolder.MANIFEST, ShardManifest.json(request, model, command, done, null));
            parts.removeAttempts();
            return new CorpusDump.CorpusSummary(
                    Path.of(DumpFolder.MANIFEST),
                    done.stream().map(shard -> Path.of(shard.file())).toList(),
                    done.stream().mapToLong(Shard::bytes).sum(),
                    0,
                    done.stream().mapToLong(Shard::overflowed).sum());
        } catch (IOException e) {
            throw FileException.writing(store.name(), e);
        }
    }

    /**
     * Reads the shards of a part, and compares them with their checksums.
     *
     * @throws FileException naming the shards that are missing, or one that is damaged or of another plan
     */
    public void verify(PartStore store, Range part) {
        try (PartFiles parts = files(store)) {
            verify(parts, done(parts, part, store), part.first());
        } catch (IOException e) {
            throw FileException.reading(store.name(), e);
        }
    }

    private static void verify(PartFiles parts, List<Shard> shards, long first) {
        for (int i = 0; i < shards.size(); i++) {
            parts.verify(shards.get(i), first + i);
        }
    }

    private List<Shard> done(PartFiles parts, Range part, PartStore store) throws IOException {
        List<Shard> done = new ArrayList<>();
        List<Long> missing = new ArrayList<>();
        for (long s = part.first(); s < part.end() && missing.size() <= SHOWN; s++) {
            Optional<Shard> shard = parts.done(s);
            if (shard.isPresent()) {
                done.add(shard.get());
            } else {
                missing.add(s);
            }
        }
        if (!missing.isEmpty()) {
            String named = missing.stream().limit(SHOWN).map(String::valueOf).collect(Collectors.joining(", "));
            throw FileException.occupied(
                    store.name(),
                    "lacks these of the " + shards() + " shards of its plan, or the JSON beside them: " + named
                            + (missing.size() > SHOWN ? " and perhaps more" : "") + "; write them, then finish ("
                            + Remedy.FINISH_PARTS + ")");
        }
        return done;
    }

    @Override
    public String toString() {
        return "plan of a dump of " + model;
    }
}
