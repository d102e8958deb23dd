package dev.hyaline.instrument.dump;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Printable;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.DerivedProbe;
import dev.hyaline.instrument.capture.DerivedSite;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A dump of any number of documents into shards: safetensors files that each hold a number of rows of every hook point,
 * one row per token. Its memory does not depend on the size of the corpus. A dump that was stopped in any way can be
 * resumed, and its files end up the same, byte for byte; a shard is whole or absent. {@link ActivationStore} reads
 * them. Immutable.
 *
 * <p>The corpus is read twice: {@link #forecast} finds what cannot be run, counts and hashes; {@link #write} runs.
 */
public final class CorpusDump {
    /** Enough to keep a disk busy, little enough to lose when a run is stopped. */
    public static final long SHARD_BYTES = 256_000_000;

    public static final int BATCH_TOKENS = 2048;

    private final Gpt2Config config;
    private final List<HookPoint> points;
    private final List<DerivedSite> derived;
    private final IndexSelection heads;
    private final IndexSelection neurons;
    private final TokenFilter filter;
    private final LongDocuments longDocuments;
    private final ElementType type;
    private final long shardBytes;
    private final int batchTokens;
    /** Tokens of a window; null if documents are run as they are. */
    private final @Nullable Integer context;
    /** Whether only those values of the one derived site are written that are not zero. */
    private final boolean latents;

    private CorpusDump(
            Gpt2Config config,
            List<HookPoint> points,
            List<DerivedSite> derived,
            IndexSelection heads,
            IndexSelection neurons,
            TokenFilter filter,
            LongDocuments longDocuments,
            ElementType type,
            long shardBytes,
            int batchTokens,
            @Nullable Integer context,
            boolean latents) {
        this.config = config;
        this.points = List.copyOf(new TreeSet<>(points));
        this.derived = DerivedProbe.requireDistinct(derived);
        this.heads = heads;
        this.neurons = neurons;
        this.filter = filter;
        this.longDocuments = longDocuments;
        this.type = type;
        this.shardBytes = shardBytes;
        this.batchTokens = batchTokens;
        this.context = context;
        this.latents = latents;
        if (latents) {
            requireLatents();
        } else if (points.isEmpty()) {
            throw new BadInputException("a dump needs at least one hook point");
        }
        for (HookPoint point : points) {
            if (point.site().isMap()) {
                throw new BadInputException(
                        point + " cannot go to shards: it has a value for every query and key, so that its rows are as"
                                + " long as their document; leave it out, or write one file without shards");
            }
        }
        if (!latents) {
            Capture.requireParts(config, points, heads, neurons);
        }
        if (type == ElementType.I64) {
            throw new BadInputException("activations cannot be written as integers");
        }
        if (shardBytes < 1) {
            throw new BadInputException("a shard needs at least one byte, found " + shardBytes);
        }
        if (batchTokens < 1) {
            throw new BadInputException("a pass needs at least one token, found " + batchTokens);
        }
        if (context != null) {
            if (context < 1 || context > config.nCtx()) {
                throw new BadInputException("a context window must have from 1 to " + config.nCtx()
                        + " tokens, as many as the model has positions, found " + context);
            }
            if (filter.skippedFirst() != null) {
                throw new BadInputException("packed context windows begin anywhere in a text, so that a text's first"
                        + " token cannot be left out of them");
            }
        }
    }

    /** Every token as float32; a document that is too long is an error. */
    public static CorpusDump of(Gpt2Config config, List<HookPoint> points) {
        return new CorpusDump(
                config,
                points,
                List.of(),
                IndexSelection.all(),
                IndexSelection.all(),
                TokenFilter.all(),
                LongDocuments.ERROR,
                ElementType.F32,
                SHARD_BYTES,
                BATCH_TOKENS,
                null,
                false);
    }

    public Gpt2Config config() {
        return config;
    }

    /** The points, in the order in which a pass reaches them, each once. */
    public List<HookPoint> points() {
        return points;
    }

    /** The sites that are computed from hook points. */
    public List<DerivedSite> derived() {
        return derived;
    }

    /** The heads, at sites that have heads. */
    public IndexSelection heads() {
        return heads;
    }

    /** The neurons, at {@code mlp.pre} and {@code mlp.post}. */
    public IndexSelection neurons() {
        return neurons;
    }

    public TokenFilter filter() {
        return filter;
    }

    public LongDocuments longDocuments() {
        return longDocuments;
    }

    /** The type of the values. */
    public ElementType type() {
        return type;
    }

    /** About the size of a shard; one holds at least as many rows as the model has positions. */
    public long shardBytes() {
        return shardBytes;
    }

    /** About how many tokens a pass takes; at least a document. Changes no value. */
    public int batchTokens() {
        return batchTokens;
    }

    /**
     * The same with sites that are computed from hook points, whether these are written too or not.
     *
     * @throws BadInputException if two have one name, or one is computed from an attention map
     */
    public CorpusDump withDerived(List<DerivedSite> sites) {
        return new CorpusDump(
                config,
                points,
                sites,
                heads,
                neurons,
                filter,
                longDocuments,
                type,
                shardBytes,
                batchTokens,
                context,
                latents);
    }

    /** The same, of these heads only. */
    public CorpusDump heads(IndexSelection chosen) {
        return new CorpusDump(
                config,
                points,
                derived,
                chosen,
                neurons,
                filter,
                longDocuments,
                type,
                shardBytes,
                batchTokens,
                context,
                latents);
    }

    /** The same, of these neurons only. */
    public CorpusDump neurons(IndexSelection chosen) {
        return new CorpusDump(
                config,
                points,
                derived,
                heads,
                chosen,
                filter,
                longDocuments,
                type,
                shardBytes,
                batchTokens,
                context,
                latents);
    }

    public CorpusDump filter(TokenFilter chosen) {
        return new CorpusDump(
                config,
                points,
                derived,
                heads,
                neurons,
                chosen,
                longDocuments,
                type,
                shardBytes,
                batchTokens,
                context,
                latents);
    }

    public CorpusDump longDocuments(LongDocuments rule) {
        return new CorpusDump(
                config, points, derived, heads, neurons, filter, rule, type, shardBytes, batchTokens, context, latents);
    }

    public CorpusDump type(ElementType values) {
        return new CorpusDump(
                config,
                points,
                derived,
                heads,
                neurons,
                filter,
                longDocuments,
                values,
                shardBytes,
                batchTokens,
                context,
                latents);
    }

    public CorpusDump shardBytes(long bytes) {
        return new CorpusDump(
                config,
                points,
                derived,
                heads,
                neurons,
                filter,
                longDocuments,
                type,
                bytes,
                batchTokens,
                context,
                latents);
    }

    public CorpusDump batchTokens(int tokens) {
        return new CorpusDump(
                config,
                points,
                derived,
                heads,
                neurons,
                filter,
                longDocuments,
                type,
                shardBytes,
                tokens,
                context,
                latents);
    }

    /**
     * The same of windows of so many tokens, as many trainers of sparse autoencoders read a corpus: the documents,
     * which may be of any length, are joined and cut. A window is one document of the dump. What is left at the end,
     * shorter than a window, is dropped.
     *
     * @throws BadInputException if the model has fewer positions, or the filter leaves out a text's first token
     */
    public CorpusDump packed(int tokens) {
        return new CorpusDump(
                config,
                points,
                derived,
                heads,
                neurons,
                filter,
                longDocuments,
                type,
                shardBytes,
                batchTokens,
                tokens,
                latents);
    }

    /**
     * The same, but of one derived site, such as the latents of a sparse autoencoder, in place of all that was to be
     * written, and of that the values alone that are not zero: each shard is a {@link LatentCache} of whole windows, in
     * which sequences count from 0, with as many rows as a shard of the site's sources would have. The windows of shard
     * s begin with s times its manifest's {@code rows_per_shard}, divided by the tokens of a window.
     *
     * @throws BadInputException if the documents are not packed, or tokens, heads or neurons are chosen
     */
    public CorpusDump latentsOf(DerivedSite site) {
        return new CorpusDump(
                config,
                List.of(),
                List.of(site),
                heads,
                neurons,
                filter,
                longDocuments,
                type,
                shardBytes,
                batchTokens,
                context,
                true);
    }

    /** Returns whether only the values of a derived site are written that are not zero. */
    public boolean isOfLatents() {
        return latents;
    }

    /** Bytes that each latent takes that fires, in a dump of so many tokens of such latents alone. */
    int bytesPerLatent(long tokens) {
        return plan(tokens).form(0).bytesPerLatent();
    }

    private void requireLatents() {
        if (derived.size() != 1) {
            throw new BadInputException("latents that fire are written of one site, found " + derived.size());
        }
        if (context == null) {
            throw new BadInputException("latents that fire are written of packed context windows; name their tokens");
        }
        if (!filter.equals(TokenFilter.all()) || !heads.isAll() || !neurons.isAll()) {
            throw new BadInputException(
                    "latents that fire are written of every token, without a choice of tokens, heads" + " or neurons");
        }
    }

    /** Tokens of a window; empty if documents are run as they are. */
    public OptionalInt context() {
        return context == null ? OptionalInt.empty() : OptionalInt.of(context);
    }

    /**
     * The size of a corpus and of its dump.
     *
     * @param documents or windows, if packed
     * @param tokens that the model reads, those without a row included
     * @param sha256 of the documents' tokens
     * @param rows tokens with a row
     * @param bytes of all shards; of latents, without those that fire
     */
    public record Forecast(long documents, long tokens, String sha256, long rows, long shards, long bytes) {}

    /**
     * Reads a corpus through without running it.
     *
     * @param progress told how many more tokens were read
     * @throws BadInputException naming a document that cannot be run, or if no token gets a row
     */
    public Forecast forecast(Corpus corpus, LongConsumer progress) {
        try (CorpusReader pieces = pieces(corpus)) {
            while (true) {
                Optional<CorpusReader.Piece> piece = pieces.next();
                if (piece.isEmpty()) {
                    break;
                }
                progress.accept(piece.get().tokens().length);
            }
            requireRows(pieces.documents(), pieces.rows());
            ShardPlan plan = plan(pieces.rows());
            return new Forecast(
                    pieces.documents(), pieces.tokens(), pieces.sha256(), plan.rows(), plan.shards(), plan.bytes());
        }
    }

    void requireRows(long documents, long rows) {
        if (documents == 0) {
            throw new BadInputException(
                    context == null
                            ? "there is no document to run"
                            : "the corpus has too few tokens for one window of " + context);
        }
        if (rows == 0) {
            throw new BadInputException("no token of the corpus passes the filters");
        }
    }

    /**
     * The tensors of a row: the values of one token at each point and derived site, under its name, and what identifies
     * the row.
     */
    public List<TensorInfo> rowTensors() {
        List<TensorInfo> tensors = new ArrayList<>();
        for (HookPoint point : points) {
            Capture capture = Capture.of(points)
                    .positions(filter.positions())
                    .heads(heads)
                    .neurons(neurons);
            List<Long> shape = capture.perToken(config, point.site()).stream()
                    .map(Integer::longValue)
                    .toList();
            tensors.add(new TensorInfo(point.name(), type, shape));
        }
        for (DerivedSite site : derived) {
            tensors.add(new TensorInfo(site.name(), type, List.of((long) site.width())));
        }
        for (String name : List.of(TensorPlan.TOKENS, TensorPlan.POSITIONS, ShardPlan.DOCUMENTS)) {
            tensors.add(new TensorInfo(name, ElementType.I64, List.of()));
        }
        return tensors;
    }

    ShardPlan plan(long rows) {
        List<TensorInfo> tensors = rowTensors();
        if (!latents || context == null) {
            long rowsPerShard = Math.max(config.nCtx(), shardBytes / ShardPlan.rowBytes(tensors));
            return new ShardPlan(tensors, rowsPerShard, rows, null);
        }
        long sources = derived.getFirst().sources().stream()
                .mapToLong(point -> point.site().shape().width(config))
                .sum();
        long rowBytes = sources * type.bytes() + ShardPlan.ROW_INFO * (long) Long.BYTES;
        long rowsPerShard = Math.max(config.nCtx(), shardBytes / rowBytes);
        return new ShardPlan(
                tensors,
                rowsPerShard - rowsPerShard % context,
                rows,
                new ShardPlan.LatentShards(context, config.dVocab()));
    }

    CorpusReader pieces(Corpus corpus) {
        return pieces(corpus, CorpusCounts.NONE, 0);
    }

    /**
     * Reads the rest of a corpus.
     *
     * @param before counts of what comes before
     * @param skipped tokens of the rest that come before, too: those of windows that begin earlier
     */
    CorpusReader pieces(Corpus rest, CorpusCounts before, long skipped) {
        Corpus read = context == null ? rest : new PackedCorpus(config, rest, context, before.documents(), skipped);
        return new CorpusReader(config, read, filter, longDocuments, before);
    }

    /**
     * The files that were written.
     *
     * @param resumedRows rows that an earlier run had written
     * @param overflowed finite values that became infinite because the type has none so large
     */
    public record CorpusSummary(Path manifest, List<Path> shards, long bytes, long resumedRows, long overflowed) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * Runs a corpus and writes it. Shards appear one by one, the manifest comes last.
     *
     * @param forecast of this corpus by this dump
     * @throws BadInputException if the folder is to be resumed and something else was asked for when its dump was begun
     * @throws FileException if the folder's file system has no room or a file cannot be written
     */
    public CorpusSummary write(
            Gpt2 model,
            Corpus corpus,
            Forecast forecast,
            DumpFolder folder,
            Provenance provenance,
            CorpusListener listener) {
        return JournaledDump.write(this, model, corpus, forecast, folder, provenance, listener);
    }

    @Override
    public String toString() {
        return "corpus dump of "
                + Printable.listed(points.stream().map(HookPoint::name).toList());
    }
}
