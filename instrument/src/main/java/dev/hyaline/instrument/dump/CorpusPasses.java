package dev.hyaline.instrument.dump;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.TensorInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One run of a {@link CorpusDump}: packs pieces of documents into passes and hands their rows on. */
final class CorpusPasses {
    private final CorpusDump dump;
    private final Gpt2 model;
    private final ShardPlan plan;
    private final RowWriter writer;
    private final CorpusListener listener;
    private final RowProbe probe;
    /** Where every pass stops, unless the logits come next. */
    private final @Nullable Boundary stop;

    /** Pieces of the next pass, each with rows to write. */
    private final List<CorpusReader.Piece> batch = new ArrayList<>();

    private int batchTokens;
    /** Tokens of the batch's pieces, those after their last rows included. */
    private long coveredTokens;
    /** Row of the dump that the batch's first chosen token gets. */
    private long batchRow;

    CorpusPasses(CorpusDump dump, Gpt2 model, ShardPlan plan, RowWriter writer, CorpusListener listener) {
        this.dump = dump;
        this.model = model;
        this.plan = plan;
        this.writer = writer;
        this.listener = listener;
        probe = RowProbe.of(dump, writer);
        stop = probe.stop().orElse(null);
    }

    /** Runs what gets rows from {@code firstRow} on. */
    void run(Corpus corpus, CorpusDump.Forecast forecast, long firstRow) throws IOException {
        try (CorpusReader pieces = dump.pieces(corpus)) {
            run(pieces, firstRow, Long.MAX_VALUE);
            requireSame(pieces, forecast);
        }
    }

    /**
     * Runs what gets rows from {@code firstRow} to before {@code endRow}.
     *
     * @throws BadInputException if the corpus ends before
     */
    void runPart(CorpusReader pieces, long firstRow, long endRow) throws IOException {
        run(pieces, firstRow, endRow);
        if (pieces.rows() < endRow) {
            throw changed();
        }
    }

    private void run(CorpusReader pieces, long firstRow, long endRow) throws IOException {
        while (pieces.rows() < endRow) {
            long row = pieces.rows();
            Optional<CorpusReader.Piece> next = pieces.next();
            if (next.isEmpty()) {
                break;
            }
            CorpusReader.Piece piece = next.get();
            if (pieces.rows() > Math.max(row, firstRow)) {
                add(between(piece, row, firstRow, endRow), Math.max(row, firstRow));
            } else {
                listener.skipped(piece.tokens().length);
            }
        }
        runBatch();
    }

    /** A piece, whose first row is {@code row}, with no rows but those asked for. */
    private static CorpusReader.Piece between(CorpusReader.Piece piece, long row, long firstRow, long endRow) {
        int from = (int) Math.max(0, firstRow - row);
        int to = (int) Math.min(piece.rows().length, endRow - row);
        int[] rows = Arrays.copyOfRange(piece.rows(), from, to);
        return new CorpusReader.Piece(piece.name(), piece.document(), piece.start(), piece.tokens(), rows);
    }

    private void add(CorpusReader.Piece piece, long row) throws IOException {
        int needed = piece.needed().length;
        if (!batch.isEmpty() && batchTokens + needed > dump.batchTokens()) {
            runBatch();
        }
        if (batch.isEmpty()) {
            batchRow = row;
        }
        batch.add(piece);
        batchTokens += needed;
        coveredTokens += piece.tokens().length;
        // A pass that fills a shard ends there, so that never more than a document's worth of shards is open.
        long perShard = plan.rowsPerShard();
        if ((row + piece.rows().length) / perShard > batchRow / perShard) {
            runBatch();
        }
    }

    private void runBatch() throws IOException {
        if (batch.isEmpty()) {
            return;
        }
        int[] rows = rows();
        if (batchRow + rows.length > plan.rows()) {
            throw changed();
        }
        rowInfo();
        probe.begin(rows, batchRow);
        ForwardRequest request = ForwardRequest.of(
                        batch.stream().map(piece -> Sequence.of(piece.needed())).toList())
                .logits(probe.wants(HookPoint.of(Site.UNEMBED_OUT)) ? LogitSelection.rows(rows) : LogitSelection.none())
                .probe(probe);
        model.forward(stop == null ? request : request.to(stop));
        probe.requireAllFired();
        writer.cameThrough(batchRow + rows.length);
        listener.done(coveredTokens);
        batch.clear();
        batchTokens = 0;
        coveredTokens = 0;
    }

    /** Rows of the batch that are written. */
    private int[] rows() {
        int[] rows =
                new int[batch.stream().mapToInt(piece -> piece.rows().length).sum()];
        int count = 0;
        int first = 0;
        for (CorpusReader.Piece piece : batch) {
            for (int row : piece.rows()) {
                rows[count++] = first + row;
            }
            first += piece.needed().length;
        }
        return rows;
    }

    private void rowInfo() throws IOException {
        List<TensorInfo> tensors = plan.tensors();
        int info = tensors.size() - ShardPlan.ROW_INFO;
        for (int kind = 0; kind < ShardPlan.ROW_INFO; kind++) {
            writer.begin(tensors.get(info + kind), batchRow);
            for (CorpusReader.Piece piece : batch) {
                for (int row : piece.rows()) {
                    writer.append(
                            switch (kind) {
                                case 0 -> piece.tokens()[row];
                                case 1 -> piece.start() + row;
                                default -> piece.document();
                            });
                }
            }
        }
    }

    private static void requireSame(CorpusReader pieces, CorpusDump.Forecast forecast) {
        if (pieces.rows() != forecast.rows() || !pieces.sha256().equals(forecast.sha256())) {
            throw changed();
        }
    }

    private static BadInputException changed() {
        return new BadInputException("the corpus changed while it was read");
    }
}
