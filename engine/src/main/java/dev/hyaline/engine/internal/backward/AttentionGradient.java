package dev.hyaline.engine.internal.backward;

import static dev.hyaline.engine.internal.kernel.Kernels.KEYS_PER_BLOCK;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.HeadBlocks;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Attention, backward: from the gradient at z to those at q, k and v, for one layer at a time. A task is a head of a
 * sequence, whose queries it takes in ascending order, a block at a time: it forms the block's pattern and its scores'
 * gradient again, and adds the block's part to the gradients of the keys and values that the queries see. So the sums
 * over queries ascend, whoever runs the task, and no map is larger than a block of queries.
 *
 * <p>{@link #run} does all in one; {@link #patternGradient}, {@link #scoresGradient} and {@link #finish} are the same
 * steps with the maps of all heads kept, for a probe to see in between.
 */
final class AttentionGradient {
    private static final int BLOCK = KEYS_PER_BLOCK;
    private static final float[] NOTHING = {};

    private final int d;
    private final int dHead;
    private final int heads;
    private final Kernels kernels;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final Head[] workers;

    private Batch batch = Batch.EMPTY;
    private Batch whole = Batch.EMPTY;
    private float scale;
    private float[] q = NOTHING;
    private float[] k = NOTHING;
    private float[] v = NOTHING;
    private float[] gz = NOTHING;
    private float[] gq = NOTHING;
    private float[] gk = NOTHING;
    private float[] gv = NOTHING;
    private float @Nullable [] z;

    AttentionGradient(Gpt2Config config, Kernels kernels, WorkerPool pool) {
        d = config.dModel();
        dHead = config.dHead();
        heads = config.nHeads();
        this.kernels = kernels;
        gradients = kernels.gradients();
        this.pool = pool;
        workers = new Head[pool.threads()];
        Arrays.setAll(workers, worker -> new Head());
    }

    /** Attention maps of all heads of a batch, and what an edit of the forward pass left there. */
    static final class Maps {
        private final int[] offsets;
        /** The scores, after all edits; null where none was made. */
        private final float @Nullable [] editedScores;
        /** The pattern, after all edits; null where none was made. */
        private final float @Nullable [] editedPattern;
        /** The softmax of the scores. */
        private final float[] pattern;
        /** The gradient at the pattern, then at the scores. */
        private final float[] gradient;

        Maps(int[] offsets, float @Nullable [] editedScores, float @Nullable [] editedPattern) {
            this.offsets = offsets;
            this.editedScores = editedScores;
            this.editedPattern = editedPattern;
            pattern = new float[offsets[offsets.length - 1]];
            gradient = new float[pattern.length];
        }

        float[] gradient() {
            return gradient;
        }

        private float[] weights() {
            return editedPattern == null ? pattern : editedPattern;
        }
    }

    /** Sets the operands of a layer, each {@code [rows, dModel]}; {@code g} for gradients. */
    void begin(Batch batch, float scale, float[] q, float[] k, float[] v, float[] gz) {
        begin(batch, batch, scale, q, k, v, gz);
    }

    /**
     * As {@link #begin(Batch, float, float[], float[], float[], float[])}, for the last positions of each sequence
     * alone.
     *
     * @param batch those positions, each of which sees all that come before it
     * @param whole the whole sequences, of which keys and values are
     */
    void begin(Batch batch, Batch whole, float scale, float[] q, float[] k, float[] v, float[] gz) {
        z = null;
        this.batch = batch;
        this.whole = whole;
        this.scale = scale;
        this.q = q;
        this.k = k;
        this.v = v;
        this.gz = gz;
    }

    /** Has {@link #run} form z again too, {@code [rows, dModel]}. */
    void alsoForm(float[] z) {
        this.z = z;
    }

    /** Forms the gradients at q, k and v, each {@code [rows, dModel]}. */
    void run(float[] gq, float[] gk, float[] gv) {
        results(gq, gk, gv);
        run((head, s, h) -> head.fused());
    }

    /** Forms the pattern, and the gradient there for all pairs of positions, masked ones too. */
    void patternGradient(Maps maps) {
        run((head, s, h) -> head.patternGradient(maps, s, h));
    }

    /** From the gradient at the pattern to that at the scores, in place; 0 where masked. */
    void scoresGradient(Maps maps) {
        run((head, s, h) -> head.scoresGradient(maps, s, h));
    }

    /** Forms the gradients at q, k and v from maps. */
    void finish(Maps maps, float[] gq, float[] gk, float[] gv) {
        results(gq, gk, gv);
        run((head, s, h) -> head.finish(maps, s, h));
    }

    /** Lets go of a layer's operands. */
    void end() {
        begin(Batch.EMPTY, 0, NOTHING, NOTHING, NOTHING, NOTHING);
        results(NOTHING, NOTHING, NOTHING);
    }

    private void results(float[] gq, float[] gk, float[] gv) {
        this.gq = gq;
        this.gk = gk;
        this.gv = gv;
    }

    private interface HeadTask {
        void run(Head head, int sequence, int index);
    }

    private void run(HeadTask task) {
        pool.run(batch.sequences() * heads, (worker, index) -> {
            int s = index % batch.sequences();
            int h = index / batch.sequences();
            workers[worker].load(s, h);
            task.run(workers[worker], s, h);
        });
    }

    /** A head of a sequence, in one worker's memory. */
    private final class Head {
        /** The row of the first position of {@link #batch}, and that position. */
        private int first;

        private int start;
        private int length;
        private int column;
        /** Keys and values with a block's positions side by side, as {@link Kernels#scores} reads them. */
        private float[][] keyColumns = {};

        private float[][] valueColumns = {};
        /** Keys row by row, as {@link Kernels#weigh} reads its values. */
        private float[][] keyRows = {};

        private float[][] valueRows = {};

        private final float[][] queryRows = {new float[BLOCK * dHead]};
        private final float[][] gradientRows = {new float[BLOCK * dHead]};
        private float[] pattern = {};
        private float[] gradient = {};
        private float[] patternColumns = {};
        private float[] gradientColumns = {};

        void load(int s, int h) {
            first = batch.firstRow()[s];
            start = batch.start()[s];
            length = batch.end(s);
            column = h * dHead;
            int wholeFirst = whole.firstRow()[s];
            int blocks = blocks();
            keyColumns = room(keyColumns, blocks);
            valueColumns = room(valueColumns, blocks);
            keyRows = room(keyRows, blocks);
            valueRows = z == null ? valueRows : room(valueRows, blocks);
            int size = blocks * BLOCK * BLOCK;
            if (pattern.length < size) {
                pattern = new float[size];
                gradient = new float[size];
                patternColumns = new float[size];
                gradientColumns = new float[size];
            }
            for (int position = 0; position < length; position++) {
                int block = position / BLOCK;
                int lane = position % BLOCK;
                int from = (wholeFirst + position) * d + column;
                System.arraycopy(k, from, keyRows[block], lane * dHead, dHead);
                if (z != null) {
                    System.arraycopy(v, from, valueRows[block], lane * dHead, dHead);
                }
                for (int e = 0; e < dHead; e++) {
                    keyColumns[block][e * BLOCK + lane] = k[from + e];
                    valueColumns[block][e * BLOCK + lane] = v[from + e];
                }
            }
        }

        private int blocks() {
            return (length + BLOCK - 1) / BLOCK;
        }

        private float[][] room(float[][] present, int blocks) {
            if (present.length >= blocks) {
                return present;
            }
            float[][] more = new float[blocks][];
            Arrays.setAll(more, block -> new float[BLOCK * dHead]);
            return more;
        }

        /** Index of a position's part in {@code [rows, dModel]}. */
        private int at(int position) {
            return (first + position - start) * d + column;
        }

        /** The first query of a block, which begins at or before it. */
        private int query(int block) {
            return Math.max(start, block * BLOCK);
        }

        private int queries(int block) {
            return Math.min(length, (block + 1) * BLOCK) - query(block);
        }

        /** Products of a block's rows with those of the first blocks: of queries and keys, or gradients and values. */
        private void scores(
                float[] out, int stride, float[] rows, int block, float[][] columns, int blocks, float factor) {
            kernels.scores(
                    new Rows(out, 0, stride),
                    new Rows(rows, at(query(block)), d),
                    queries(block),
                    new HeadBlocks(columns, 0, dHead),
                    blocks,
                    factor);
        }

        void fused() {
            clear();
            for (int block = start / BLOCK; block < blocks(); block++) {
                int stride = (block + 1) * BLOCK;
                scores(pattern, stride, q, block, keyColumns, block + 1, scale);
                scores(gradient, stride, gz, block, valueColumns, block + 1, 1);
                for (int i = 0; i < queries(block); i++) {
                    int seen = query(block) + i + 1;
                    kernels.softmax(pattern, i * stride, seen);
                    gradients.softmaxGradient(gradient, i * stride, pattern, i * stride, seen);
                }
                if (z != null) {
                    weighValues(z, block);
                }
                causal(block);
            }
            scaleKeys();
        }

        /** The forward pass's chains. */
        private void weighValues(float[] out, int block) {
            HeadBlocks values = new HeadBlocks(valueRows, 0, dHead);
            int before = block * BLOCK;
            int stride = before + BLOCK;
            for (int i = 0; i < queries(block); i++) {
                int at = at(before + i);
                Arrays.fill(out, at, at + dHead, 0);
            }
            weigh(out, before, pattern, 0, stride, queries(block), values, 0, before);
            for (int i = 0; i < queries(block); i++) {
                weigh(out, before + i, pattern, i * stride, stride, 1, values, before, before + i + 1);
            }
        }

        void patternGradient(Maps maps, int s, int h) {
            int stride = blocks() * BLOCK;
            for (int block = 0; block < blocks(); block++) {
                scores(pattern, stride, q, block, keyColumns, block + 1, scale);
                scores(gradient, stride, gz, block, valueColumns, blocks(), 1);
                for (int i = 0; i < queries(block); i++) {
                    int query = block * BLOCK + i;
                    int to = mapAt(maps, s, h, query);
                    int seen = query + 1;
                    if (maps.editedScores == null) {
                        System.arraycopy(pattern, i * stride, maps.pattern, to, seen);
                    } else {
                        seen = extent(maps.editedScores, to, seen, Float.NEGATIVE_INFINITY);
                        System.arraycopy(maps.editedScores, to, maps.pattern, to, seen);
                    }
                    kernels.softmax(maps.pattern, to, seen);
                    System.arraycopy(gradient, i * stride, maps.gradient, to, length);
                }
            }
        }

        void scoresGradient(Maps maps, int s, int h) {
            for (int query = 0; query < length; query++) {
                int at = mapAt(maps, s, h, query);
                int seen = extent(maps.pattern, at, query + 1, 0);
                gradients.softmaxGradient(maps.gradient, at, maps.pattern, at, seen);
                Arrays.fill(maps.gradient, at + seen, at + length, 0);
            }
        }

        void finish(Maps maps, int s, int h) {
            clear();
            for (int block = 0; block < blocks(); block++) {
                boolean causal = true;
                for (int i = 0; i < queries(block); i++) {
                    int query = block * BLOCK + i;
                    int at = mapAt(maps, s, h, query);
                    causal &= extent(maps.weights(), at, query + 1, 0) == query + 1
                            && extent(maps.gradient, at, query + 1, 0) == query + 1;
                }
                int stride = (causal ? block + 1 : blocks()) * BLOCK;
                for (int i = 0; i < queries(block); i++) {
                    int at = mapAt(maps, s, h, block * BLOCK + i);
                    System.arraycopy(maps.weights(), at, pattern, i * stride, Math.min(stride, length));
                    System.arraycopy(maps.gradient, at, gradient, i * stride, Math.min(stride, length));
                }
                if (causal) {
                    causal(block);
                } else {
                    unmasked(block);
                }
            }
            scaleKeys();
        }

        private int mapAt(Maps maps, int s, int h, int query) {
            return maps.offsets[s] + (h * length + query) * length;
        }

        /**
         * The length of a map's row that takes part: up to the query's own position, or further where an edit unmasked
         * later keys.
         */
        private int extent(float[] map, int at, int causal, float masked) {
            int n = length;
            while (n > causal && map[at + n - 1] == masked) {
                n--;
            }
            return n;
        }

        private void clear() {
            for (int position = start; position < length; position++) {
                int at = at(position);
                Arrays.fill(gq, at, at + dHead, 0);
                Arrays.fill(gk, at, at + dHead, 0);
                Arrays.fill(gv, at, at + dHead, 0);
            }
        }

        /** What a block of queries adds, of which each sees the keys up to its own position. */
        private void causal(int block) {
            int before = block * BLOCK;
            int stride = before + BLOCK;
            int first = query(block);
            int queries = queries(block);
            HeadBlocks keys = new HeadBlocks(keyRows, 0, dHead);
            weigh(gq, first, gradient, 0, stride, queries, keys, 0, before);
            for (int i = 0; i < queries; i++) {
                weigh(gq, first + i, gradient, i * stride, stride, 1, keys, before, first + i + 1);
            }
            scaleQueries(block);
            HeadBlocks blockGradients = loadRows(gradientRows, gz, block);
            HeadBlocks blockQueries = loadRows(queryRows, q, block);
            transpose(patternColumns, pattern, stride, queries, first + queries);
            transpose(gradientColumns, gradient, stride, queries, first + queries);
            int earlier = start * BLOCK;
            weigh(gv, start, patternColumns, earlier, BLOCK, before - start, blockGradients, 0, queries);
            weigh(gk, start, gradientColumns, earlier, BLOCK, before - start, blockQueries, 0, queries);
            for (int i = 0; i < queries; i++) {
                int at = (first + i) * BLOCK;
                weigh(gv, first + i, patternColumns, at, BLOCK, 1, blockGradients, i, queries);
                weigh(gk, first + i, gradientColumns, at, BLOCK, 1, blockQueries, i, queries);
            }
        }

        /** The same where an edit let queries see later keys. */
        private void unmasked(int block) {
            int before = block * BLOCK;
            int stride = blocks() * BLOCK;
            int queries = queries(block);
            HeadBlocks keys = new HeadBlocks(keyRows, 0, dHead);
            HeadBlocks blockGradients = loadRows(gradientRows, gz, block);
            HeadBlocks blockQueries = loadRows(queryRows, q, block);
            transpose(patternColumns, pattern, stride, queries, length);
            transpose(gradientColumns, gradient, stride, queries, length);
            for (int i = 0; i < queries; i++) {
                int weighed = extent(pattern, i * stride, before + i + 1, 0);
                int scored = extent(gradient, i * stride, before + i + 1, 0);
                weigh(gq, before + i, gradient, i * stride, stride, 1, keys, 0, scored);
                weighEach(gv, patternColumns, weighed, blockGradients, i);
                weighEach(gk, gradientColumns, scored, blockQueries, i);
            }
            scaleQueries(block);
        }

        /** What one query adds to the first {@code count} positions. */
        private void weighEach(float[] out, float[] columns, int count, HeadBlocks values, int query) {
            for (int position = 0; position < count; position++) {
                weigh(out, position, columns, position * BLOCK, BLOCK, 1, values, query, query + 1);
            }
        }

        private void weigh(
                float[] out,
                int position,
                float[] map,
                int mapAt,
                int mapStride,
                int rows,
                HeadBlocks values,
                int from,
                int end) {
            if (rows > 0 && end > from) {
                kernels.weigh(new Rows(out, at(position), d), new Rows(map, mapAt, mapStride), rows, values, from, end);
            }
        }

        private HeadBlocks loadRows(float[][] to, float[] from, int block) {
            for (int i = 0; i < queries(block); i++) {
                System.arraycopy(from, at(query(block) + i), to[0], i * dHead, dHead);
            }
            return new HeadBlocks(to, 0, dHead);
        }

        private void scaleQueries(int block) {
            for (int i = 0; i < queries(block); i++) {
                gradients.scale(gq, at(query(block) + i), dHead, scale);
            }
        }

        private void scaleKeys() {
            for (int position = start; position < length; position++) {
                gradients.scale(gk, at(position), dHead, scale);
            }
        }

        /** {@code out[j, i] = map[i, j]}, rows of {@code out} a block long. */
        private static void transpose(float[] out, float[] map, int stride, int rows, int columns) {
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    out[j * BLOCK + i] = map[i * stride + j];
                }
            }
        }
    }
}
