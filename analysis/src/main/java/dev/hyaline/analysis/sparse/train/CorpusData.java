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
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.RowOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Activations of a model that runs while training goes on. A buffer holds so many rows of the corpus at a time, which
 * are served in an order that is keyed by the seed and the buffer's number; then the next rows take their place. Where
 * training is resumed, the corpus is read up to the buffer, and only that buffer is run. For one thread.
 */
public final class CorpusData implements TrainingData {
    private static final int PASS_TOKENS = 2048;

    private final Gpt2 model;
    private final Corpus corpus;
    private final DataSites sites;
    private final Set<Integer> excluded;
    private final long seed;
    private final int bufferRows;
    private final long rows;
    private final float[][] buffer;
    private int filled;
    private long current = -1;
    private @Nullable RowOrder order;
    private long orderKey;

    private CorpusData(Gpt2 model, Corpus corpus, DataSites sites, Set<Integer> excluded, long seed, int bufferRows) {
        if (bufferRows < 1) {
            throw new BadInputException("a buffer needs at least one row, found " + bufferRows);
        }
        for (HookPoint point : sites.points()) {
            if (point.site().isMap()) {
                throw new BadInputException(point + " has no row a token to train on");
            }
        }
        this.model = model;
        this.corpus = corpus;
        this.sites = sites;
        this.excluded = Set.copyOf(excluded);
        this.seed = seed;
        rows = count();
        if (rows == 0) {
            throw new BadInputException("no token of the corpus is left to train on");
        }
        this.bufferRows = (int) Math.min(bufferRows, rows);
        buffer = new float[sites.points().size()][];
        for (int p = 0; p < buffer.length; p++) {
            buffer[p] = new float
                    [Math.multiplyExact(
                            this.bufferRows, sites.width(sites.points().get(p)))];
        }
    }

    /**
     * Rows of a hook point, and of another that is to be predicted from it unless it is the same.
     *
     * @param excluded tokens that get no row
     * @param bufferRows rows of the buffer
     */
    public static CorpusData of(
            Gpt2 model, Corpus corpus, HookPoint in, HookPoint out, Set<Integer> excluded, long seed, int bufferRows) {
        DataSites sites = DataSites.of(in, out, point -> width(model, point));
        return new CorpusData(model, corpus, sites, excluded, seed, bufferRows);
    }

    /**
     * Rows of several hook points of one width, end to end, for a crosscoder.
     *
     * @param excluded tokens that get no row
     * @param bufferRows rows of the buffer
     * @throws BadInputException if there are fewer than two points, or their widths differ
     */
    public static CorpusData ofSites(
            Gpt2 model, Corpus corpus, List<HookPoint> points, Set<Integer> excluded, long seed, int bufferRows) {
        DataSites sites = DataSites.ofCrosscoder(points, point -> width(model, point));
        return new CorpusData(model, corpus, sites, excluded, seed, bufferRows);
    }

    private static int width(Gpt2 model, HookPoint point) {
        return point.site().shape().width(model.config());
    }

    private long count() {
        long count = 0;
        try (Stream<Document> documents = corpus.documents()) {
            for (Iterator<Document> next = documents.iterator(); next.hasNext(); ) {
                for (int token : next.next().tokens()) {
                    count += excluded.contains(token) ? 0 : 1;
                }
            }
        }
        return count;
    }

    @Override
    public int dIn() {
        return sites.dIn();
    }

    @Override
    public int dOut() {
        return sites.dOut();
    }

    @Override
    public int sites() {
        return sites.sites();
    }

    @Override
    public boolean isTranscoder() {
        return sites.isTranscoder();
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public void read(long batch, int size, float[] x, float[] y) {
        sites.requireBatch(batch, size, x, y);
        long[] one = new long[1];
        long buffers = Math.ceilDiv(rows, bufferRows);
        for (int i = 0; i < size; i++) {
            long index = batch * size + i;
            long epoch = index / rows;
            long number = index % rows / bufferRows;
            fill(number);
            long key = seed + epoch * buffers + number;
            if (order == null || key != orderKey) {
                order = RowOrder.shuffled(filled, key);
                orderKey = key;
            }
            order.position(index % rows % bufferRows);
            order.next(one);
            for (int p = 0; p < buffer.length; p++) {
                int width = sites.width(sites.points().get(p));
                sites.put(p, buffer[p], (int) one[0] * width, i, x, y);
            }
        }
    }

    /** Fills the buffer with its number's rows of the corpus. */
    private void fill(long number) {
        if (current == number) {
            return;
        }
        long first = number * bufferRows;
        long row = 0;
        filled = 0;
        List<int[]> pieces = new ArrayList<>();
        List<int[]> chosen = new ArrayList<>();
        int tokens = 0;
        int wanted = (int) Math.min(bufferRows, rows - first);
        int asked = 0;
        try (Stream<Document> documents = corpus.documents()) {
            Iterator<Document> next = documents.iterator();
            while (next.hasNext() && asked < wanted) {
                int[] document = next.next().tokens();
                for (int from = 0;
                        from < document.length && asked < wanted;
                        from += model.config().nCtx()) {
                    int[] piece = Arrays.copyOfRange(
                            document,
                            from,
                            Math.min(document.length, from + model.config().nCtx()));
                    int[] rowsOf = new int[piece.length];
                    int count = 0;
                    for (int p = 0; p < piece.length; p++) {
                        if (!excluded.contains(piece[p])) {
                            if (row >= first && asked < wanted) {
                                rowsOf[count++] = p;
                                asked++;
                            }
                            row++;
                        }
                    }
                    if (count > 0) {
                        pieces.add(piece);
                        chosen.add(Arrays.copyOf(rowsOf, count));
                        tokens += piece.length;
                    }
                    if (tokens >= PASS_TOKENS) {
                        run(pieces, chosen);
                        tokens = 0;
                    }
                }
            }
        }
        run(pieces, chosen);
        if (filled != wanted) {
            throw new BadInputException("the corpus changed while it was read");
        }
        current = number;
    }

    private void run(List<int[]> pieces, List<int[]> chosen) {
        if (pieces.isEmpty()) {
            return;
        }
        List<HookPoint> points = sites.points();
        HookPoint last = points.stream().max(HookPoint::compareTo).orElseThrow();
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
                        System.arraycopy(activation.values(), from, buffer[p], to++ * width, width);
                    }
                }
            }
        };
        ForwardRequest request = ForwardRequest.of(
                        pieces.stream().map(Sequence::of).toList())
                .logits(LogitSelection.none())
                .probe(probe);
        Optional<Boundary> stop =
                last.boundaryAfter().filter(boundary -> boundary.isBefore(Boundary.last(model.config())));
        model.forward(stop.map(request::to).orElse(request));
        filled += chosen.stream().mapToInt(rowsOf -> rowsOf.length).sum();
        pieces.clear();
        chosen.clear();
    }
}
