package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.dump.Corpus;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Activations of a model that runs while training goes on. A buffer of so many rows of the corpus is mixed and gives
 * out half of them, then the next rows take their place. The order depends on the seed, the number of rows and the
 * buffer alone: a dump of the same corpus gives the same batches by {@link StoreData#buffered}. Where training is
 * resumed, the corpus is read up to what the buffer held, and only that is run. For one thread.
 */
public final class CorpusData implements TrainingData, AutoCloseable {
    private final RowBuffer buffer;
    private final DataSites sites;
    /** Index in the buffer of each of the sites' points. */
    private final int[] points;

    private CorpusData(RowBuffer buffer, DataSites sites) {
        this.buffer = buffer;
        this.sites = sites;
        points = sites.points().stream().mapToInt(buffer.points()::indexOf).toArray();
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
        return new CorpusData(new RowBuffer(model, corpus, sites.points(), excluded, seed, bufferRows), sites);
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
        return new CorpusData(new RowBuffer(model, corpus, sites.points(), excluded, seed, bufferRows), sites);
    }

    /**
     * Rows of each of several hook points by itself, all from one buffer: whoever reads them in step, each the same
     * batch before any reads the next, shares the passes of the model.
     *
     * @param excluded tokens that get no row
     * @param bufferRows rows of the buffer, each with the values of all points
     * @throws BadInputException if there is no point, or one twice
     */
    public static List<CorpusData> ofEach(
            Gpt2 model, Corpus corpus, List<HookPoint> points, Set<Integer> excluded, long seed, int bufferRows) {
        if (points.isEmpty() || points.stream().distinct().count() < points.size()) {
            throw new BadInputException("one hook point or more is needed, each once, found " + points);
        }
        RowBuffer shared = new RowBuffer(model, corpus, points, excluded, seed, bufferRows);
        List<CorpusData> each = new ArrayList<>();
        for (HookPoint point : points) {
            each.add(new CorpusData(shared, DataSites.of(point, point, of -> width(model, of))));
        }
        return List.copyOf(each);
    }

    private static int width(Gpt2 model, HookPoint point) {
        return point.site().shape().width(model.config());
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
        return buffer.rows();
    }

    /** Passes of the model so far, those for others of {@link #ofEach} included. */
    public long passes() {
        return buffer.passes();
    }

    @Override
    public void read(long batch, int size, float[] x, float[] y) {
        sites.requireBatch(batch, size, x, y);
        for (int i = 0; i < size; i++) {
            int row = buffer.at(batch * size + i);
            for (int p = 0; p < points.length; p++) {
                int width = sites.width(sites.points().get(p));
                sites.put(p, buffer.values(points[p]), row * width, i, x, y);
            }
        }
    }

    /** Ends the reading of the corpus. What is read afterwards begins it again. */
    @Override
    public void close() {
        buffer.close();
    }

    @Override
    public String toString() {
        return rows() + " rows of " + sites.points();
    }
}
