package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a corpus's tokens at some hook points, as many as a {@link BufferedOrder} needs at a time. The model runs
 * while they are asked for. The corpus is read once through an epoch, and from its start where an earlier block is
 * asked for. For one thread.
 */
final class RowBuffer implements AutoCloseable {
    private static final int PASS_TOKENS = 2048;

    private final Gpt2 model;
    private final Corpus corpus;
    private final List<HookPoint> points;
    private final Set<Integer> excluded;
    private final @Nullable Boundary stop;
    private final long rows;
    private final BufferedOrder order;
    /** For each point, the rows of the blocks that are here. */
    private final float[][] values;

    private final long[] blockAt;

    // What comes next of the corpus: the rest of a document, and the number of rows before it.
    private @Nullable Stream<Document> documents;
    private @Nullable Iterator<Document> next;
    private int[] tokens = {};
    private int start;
    private long row;

    private long passes;

    RowBuffer(Gpt2 model, Corpus corpus, List<HookPoint> points, Set<Integer> excluded, long seed, int bufferRows) {
        if (bufferRows < 1) {
            throw new BadInputException("a buffer needs at least one row, found " + bufferRows);
        }
        for (HookPoint point : points) {
            if (point.site().isMap()) {
                throw new BadInputException(point + " has no row a token to train on");
            }
        }
        this.model = model;
        this.corpus = corpus;
        this.points = List.copyOf(points);
        this.excluded = Set.copyOf(excluded);
        HookPoint last = points.stream().max(HookPoint::compareTo).orElseThrow();
        stop = last.boundaryAfter()
                .filter(boundary -> boundary.isBefore(Boundary.last(model.config())))
                .orElse(null);
        rows = count();
        if (rows == 0) {
            throw new BadInputException("no token of the corpus is left to train on");
        }
        order = new BufferedOrder(rows, bufferRows, seed);
        values = new float[points.size()][];
        for (int p = 0; p < values.length; p++) {
            values[p] = new float[Math.toIntExact(order.blocksAtOnce() * order.block() * width(p))];
        }
        blockAt = new long[order.blocksAtOnce()];
        Arrays.fill(blockAt, -1);
    }

    private long count() {
        long count = 0;
        try (Stream<Document> all = corpus.documents()) {
            for (Iterator<Document> each = all.iterator(); each.hasNext(); ) {
                Document document = each.next();
                Prompts.requireKnown(model.config(), document.tokens(), document.name());
                for (int token : document.tokens()) {
                    count += excluded.contains(token) ? 0 : 1;
                }
            }
        }
        return count;
    }

    long rows() {
        return rows;
    }

    List<HookPoint> points() {
        return points;
    }

    private int width(int p) {
        return points.get(p).site().shape().width(model.config());
    }

    /** Passes of the model so far. */
    long passes() {
        return passes;
    }

    /** The values of a point, in which {@link #at} finds a row. */
    float[] values(int p) {
        return values[p];
    }

    /** Place among the buffer's rows of the row at an index of the order; brings it into the buffer. */
    int at(long index) {
        long wanted = order.row(index);
        long block = wanted / order.block();
        int slot = (int) (block % blockAt.length);
        if (blockAt[slot] != block) {
            blockAt[slot] = -1;
            fill(block, slot);
            blockAt[slot] = block;
        }
        return Math.toIntExact(slot * order.block() + wanted % order.block());
    }

    /** Runs what gives a block's rows. */
    private void fill(long block, int slot) {
        long first = block * order.block();
        long end = Math.min(rows, first + order.block());
        if (next == null || row > first) {
            begin();
        }
        List<int[]> pieces = new ArrayList<>();
        List<int[]> chosen = new ArrayList<>();
        int filled = Math.toIntExact(slot * order.block());
        int tokensOfPass = 0;
        int rowsOfPass = 0;
        while (row < end) {
            int[] piece = piece();
            int[] candidates = candidates(piece);
            int from = Math.clamp(first - row, 0, candidates.length);
            int to = (int) Math.min(end - row, candidates.length);
            if (to > from) {
                pieces.add(piece);
                chosen.add(Arrays.copyOfRange(candidates, from, to));
                tokensOfPass += piece.length;
                rowsOfPass += to - from;
            }
            if (to < candidates.length) {
                // The rest of its rows belongs to the next block, for which it is run again.
                break;
            }
            row += candidates.length;
            start += piece.length;
            if (tokensOfPass >= PASS_TOKENS) {
                run(pieces, chosen, filled);
                filled += rowsOfPass;
                tokensOfPass = 0;
                rowsOfPass = 0;
            }
        }
        run(pieces, chosen, filled);
    }

    private void begin() {
        close();
        documents = corpus.documents();
        next = documents.iterator();
        tokens = new int[0];
        start = 0;
        row = 0;
    }

    /** The next piece of a document that the model takes at once, from the place that is reached. */
    private int[] piece() {
        while (start == tokens.length) {
            if (next == null || !next.hasNext()) {
                throw new BadInputException("the corpus changed while it was read");
            }
            tokens = next.next().tokens();
            start = 0;
        }
        return Arrays.copyOfRange(
                tokens, start, Math.min(tokens.length, start + model.config().nCtx()));
    }

    private int[] candidates(int[] piece) {
        int[] candidates = new int[piece.length];
        int count = 0;
        for (int p = 0; p < piece.length; p++) {
            if (!excluded.contains(piece[p])) {
                candidates[count++] = p;
            }
        }
        return Arrays.copyOf(candidates, count);
    }

    private void run(List<int[]> pieces, List<int[]> chosen, int filled) {
        if (pieces.isEmpty()) {
            return;
        }
        Probe probe = new Probe() {
            @Override
            public boolean wants(HookPoint point) {
                return points.contains(point);
            }

            @Override
            public void at(HookPoint point, Activation activation) {
                int p = points.indexOf(point);
                int width = activation.width();
                int to = filled;
                for (int s = 0; s < chosen.size(); s++) {
                    for (int position : chosen.get(s)) {
                        int from = (activation.firstRow(s) + position) * width;
                        System.arraycopy(activation.values(), from, values[p], to++ * width, width);
                    }
                }
            }
        };
        ForwardRequest request = ForwardRequest.of(
                        pieces.stream().map(Sequence::of).toList())
                .logits(LogitSelection.none())
                .probe(probe);
        model.forward(Optional.ofNullable(stop).map(request::to).orElse(request));
        passes++;
        pieces.clear();
        chosen.clear();
    }

    /** Ends the reading of the corpus. */
    @Override
    public void close() {
        if (documents != null) {
            documents.close();
        }
        documents = null;
        next = null;
    }
}
