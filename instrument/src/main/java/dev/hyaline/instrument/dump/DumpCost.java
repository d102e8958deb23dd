package dev.hyaline.instrument.dump;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.TensorInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The cost of running a corpus for a dump, measured on its beginning.
 *
 * @param tokens that were run
 * @param seconds that passed
 * @param coreSeconds processor time, of all threads together
 * @param latents that fired, of a dump of these alone; 0 of others
 */
public record DumpCost(long tokens, double seconds, double coreSeconds, long latents) {
    private static final double SECONDS_PER_HOUR = 3600;

    /** Writes nothing: that goes on beside the passes, so that forming the values is what costs. */
    private static final class Nowhere implements RowSink {
        private final boolean counts;
        private long latents;

        Nowhere(boolean counts) {
            this.counts = counts;
        }

        @Override
        public void begin(TensorInfo rows, long firstRow) {}

        @Override
        public void append(float[] values, int offset, int count) {
            for (int i = offset; counts && i < offset + count; i++) {
                latents += values[i] == 0 ? 0 : 1;
            }
        }
    }

    /** Tokens that a core runs in a second. */
    public double tokensPerCoreSecond() {
        return tokens / coreSeconds;
    }

    /** Hours of one core that so many tokens of such documents take. */
    public double coreHours(long ofTokens) {
        return ofTokens / tokensPerCoreSecond() / SECONDS_PER_HOUR;
    }

    /**
     * Bytes that the latents that fire take in so many tokens of such documents; 0 if the dump is not of these alone.
     */
    public long latentBytes(CorpusDump dump, long ofTokens) {
        return dump.isOfLatents()
                ? Math.round((double) latents / tokens * ofTokens * dump.bytesPerLatent(ofTokens))
                : 0;
    }

    /**
     * Runs the beginning of a corpus as a dump does, and writes nothing. The first pass is run once before, so that
     * nothing is measured that comes but once.
     *
     * @param longest when to stop, unless the corpus ends before
     * @throws dev.hyaline.engine.error.BadInputException naming a document that cannot be run, or if no token gets a
     *     row
     */
    public static DumpCost measure(CorpusDump dump, Gpt2 model, Corpus corpus, Duration longest) {
        Nowhere nowhere = new Nowhere(dump.isOfLatents());
        RowProbe probe = RowProbe.of(dump, nowhere);
        Boundary stop = probe.stop().orElse(null);
        try (CorpusReader pieces = dump.pieces(corpus)) {
            Batch batch = next(dump, pieces);
            if (batch.pieces().isEmpty()) {
                dump.requireRows(pieces.documents(), pieces.rows());
            }
            run(model, batch, probe, stop);
            nowhere.latents = 0;
            long tokens = 0;
            long begin = System.nanoTime();
            double coresAtBegin = processorSeconds();
            double seconds = 0;
            while (!batch.pieces().isEmpty() && (tokens == 0 || seconds < longest.toNanos() / 1e9)) {
                run(model, batch, probe, stop);
                tokens += batch.tokens();
                seconds = (System.nanoTime() - begin) / 1e9;
                batch = next(dump, pieces);
            }
            double cores = processorSeconds() - coresAtBegin;
            // A system may not tell, or only in steps as long as a short corpus.
            return new DumpCost(tokens, seconds, cores > 0 ? cores : seconds * model.threads(), nowhere.latents);
        }
    }

    /**
     * Pieces of a pass.
     *
     * @param tokens of these, and of those before them that have no row
     */
    private record Batch(List<CorpusReader.Piece> pieces, long tokens) {}

    private static Batch next(CorpusDump dump, CorpusReader from) {
        List<CorpusReader.Piece> pieces = new ArrayList<>();
        long tokens = 0;
        int needed = 0;
        while (needed < dump.batchTokens()) {
            Optional<CorpusReader.Piece> piece = from.next();
            if (piece.isEmpty()) {
                break;
            }
            tokens += piece.get().tokens().length;
            if (piece.get().rows().length > 0) {
                pieces.add(piece.get());
                needed += piece.get().needed().length;
            }
        }
        return new Batch(pieces, tokens);
    }

    private static void run(Gpt2 model, Batch batch, RowProbe probe, @Nullable Boundary stop) {
        int[] rows = rows(batch);
        probe.begin(rows, 0);
        ForwardRequest request = ForwardRequest.of(batch.pieces().stream()
                        .map(piece -> Sequence.of(piece.needed()))
                        .toList())
                .logits(probe.wants(HookPoint.of(Site.UNEMBED_OUT)) ? LogitSelection.rows(rows) : LogitSelection.none())
                .probe(probe);
        model.forward(stop == null ? request : request.to(stop));
    }

    private static int[] rows(Batch batch) {
        IntStream.Builder rows = IntStream.builder();
        int first = 0;
        for (CorpusReader.Piece piece : batch.pieces()) {
            for (int row : piece.rows()) {
                rows.add(first + row);
            }
            first += piece.needed().length;
        }
        return rows.build().toArray();
    }

    private static double processorSeconds() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElse(Duration.ZERO)
                        .toNanos()
                / 1e9;
    }
}
