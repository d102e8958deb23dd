package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.Selection;
import dev.hyaline.analysis.sparse.internal.TokenLists;

/** The largest of each token, or of the whole batch. Rescaling changes the choice alone, never the derivative. */
final class TopKLatents implements TrainedLatents {
    private static final float[] NONE = {};

    private final TrainedActivation.TrainedTopK top;
    private final Dictionary dictionary;
    private float batchCut;

    TopKLatents(TrainedActivation.TrainedTopK top, Dictionary dictionary) {
        this.top = top;
        this.dictionary = dictionary;
    }

    @Override
    public Entries encode(Batch batch) {
        return top.batch() ? ofBatch(batch) : largest(batch, (int) top.k());
    }

    /** The {@code k} largest of each token. */
    Entries largest(Batch batch, int k) {
        return dictionary.select(batch, Selection.Top.positive(Math.min(k, dictionary.n), scale(batch)));
    }

    private float[] scale(Batch batch) {
        return top.rescaled() ? batch.norms() : NONE;
    }

    private Entries ofBatch(Batch batch) {
        float[] scale = scale(batch);
        long wanted = (long) Math.floor(top.k() * batch.tokens());
        // The last batch's least activation lets most be forgotten at once; which are kept does not depend on it.
        TokenLists lists = lists(batch, new Selection.AboveScaled(scale, batchCut));
        if (batchCut > 0 && lists.count() < wanted) {
            lists = lists(batch, new Selection.AboveScaled(scale, 0));
        }
        batchCut = Selection.keepLargest(lists, wanted) / 2;
        Entries entries = Entries.of(lists, dictionary.n, Dictionary.OWN_NUMBERS, dictionary.pool);
        if (top.rescaled()) {
            entries.each(dictionary.pool, (e, i) -> {
                entries.z()[e] /= scale[i];
                entries.f()[e] = entries.z()[e];
            });
        }
        return entries;
    }

    private TokenLists lists(Batch batch, Selection selection) {
        return dictionary.selector.select(batch.h(), batch.tokens(), dictionary.encoder(), selection);
    }

    @Override
    public double penalty(Batch batch, int latent, float z, float f) {
        return 0;
    }

    @Override
    public double sparsity(Batch batch, double mean, double l0) {
        return 0;
    }

    @Override
    public float gradient(Batch batch, double l0, int i, Entries e, int from, int count, LatentBuffers buffer) {
        System.arraycopy(buffer.df, from, buffer.dz, from, count);
        return 0;
    }
}
