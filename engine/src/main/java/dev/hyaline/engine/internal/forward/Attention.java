package dev.hyaline.engine.internal.forward;

import static dev.hyaline.engine.internal.forward.KeyValues.BLOCK;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.HeadBlocks;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over a ragged batch, one layer at a time. The work is cut into tiles: the queries of a sequence
 * whose positions lie in the same block, for one head. {@link #fused} keeps a tile's scores in scratch memory;
 * {@link #scores}, {@link #softmax} and {@link #weigh} are the same steps with the maps of all tiles kept, for a probe
 * to see and edit in between.
 */
final class Attention {
    /** Queries that weigh values together: the rows of a register tile. */
    private static final int QUERIES_TOGETHER = 4;

    private static final float[] NOTHING = {};
    private static final float[][] NO_BLOCKS = {};

    private final int d;
    private final int dHead;
    private final int heads;
    private final Kernels kernels;
    private final WorkerPool pool;
    private final float[][] scratch;
    private final WorkerPool.Task storeTask = this::storeTile;
    private final WorkerPool.Task fusedTask = this::fusedTile;
    private final WorkerPool.Task scoresTask = this::scoresTile;
    private final WorkerPool.Task patternTask = this::patternTile;
    private final WorkerPool.Task weighTask = this::weighTile;

    private Batch batch = Batch.EMPTY;
    private int tiles;
    private int[] tileSequence = {};
    private int[] tileBlock = {};
    /** The current layer's blocks, by sequence. */
    private float[][][] keys = {};

    private float[][][] values = {};
    /** Blocks of sequences whose keys and values nobody keeps, reused from layer to layer. */
    private float[][][] ownKeys = {};

    private float[][][] ownValues = {};

    // Arguments of the loop that runs: tasks are made once and find them here, since a lambda that captured them would
    // be allocated for each loop.
    private int layer;
    private float[] q = NOTHING;
    private float[] k = NOTHING;
    private float[] v = NOTHING;
    private float[] z = NOTHING;
    private float scale;
    private float[] maps = NOTHING;
    private int[] mapOffsets = {};

    Attention(Gpt2Config config, Kernels kernels, WorkerPool pool) {
        this.d = config.dModel();
        this.dHead = config.dHead();
        this.heads = config.nHeads();
        this.kernels = kernels;
        this.pool = pool;
        scratch = new float[pool.threads()][0];
    }

    /** Prepares for the layers of a pass; the caches to be appended to get their room. */
    void begin(Batch batch) {
        this.batch = batch;
        int sequences = batch.sequences();
        if (keys.length < sequences) {
            keys = new float[sequences][][];
            values = new float[sequences][][];
            ownKeys = Arrays.copyOf(ownKeys, sequences);
            ownValues = Arrays.copyOf(ownValues, sequences);
        }
        tiles = 0;
        int most = 0;
        for (int s = 0; s < sequences; s++) {
            int blocks = KeyValueBlocks.blocks(batch.end(s));
            most = Math.max(most, blocks);
            if (batch.append()[s]) {
                batch.past()[s].reserve(batch.end(s));
            } else {
                ownKeys[s] = blocks(ownKeys[s], blocks);
                ownValues[s] = blocks(ownValues[s], blocks);
                keys[s] = new float[blocks][];
                values[s] = new float[blocks][];
            }
            tiles += blocks - batch.start()[s] / BLOCK;
        }
        tileSequence = tileSequence.length < tiles ? new int[tiles] : tileSequence;
        tileBlock = tileBlock.length < tiles ? new int[tiles] : tileBlock;
        int tile = 0;
        for (int s = 0; s < sequences; s++) {
            // Late queries have the most keys; handing them out first keeps the workers busy to the end.
            for (int block = KeyValueBlocks.blocks(batch.end(s)) - 1; block >= batch.start()[s] / BLOCK; block--) {
                tileSequence[tile] = s;
                tileBlock[tile++] = block;
            }
        }
        if (scratch[0].length < BLOCK * most * BLOCK) {
            for (int worker = 0; worker < scratch.length; worker++) {
                scratch[worker] = new float[BLOCK * most * BLOCK];
            }
        }
    }

    /** Puts the rows of {@code k} and {@code v}, {@code [rows, dModel]}, where queries of this layer find them. */
    void store(int layer, float[] k, float[] v) {
        this.layer = layer;
        this.k = k;
        this.v = v;
        for (int s = 0; s < batch.sequences(); s++) {
            KeyValueBlocks past = (KeyValueBlocks) batch.past()[s];
            if (batch.append()[s]) {
                keys[s] = past.keys(layer);
                values[s] = past.values(layer);
            } else {
                shareThenOwn(keys[s], past == null ? NO_BLOCKS : past.keys(layer), ownKeys[s], batch.start()[s]);
                shareThenOwn(values[s], past == null ? NO_BLOCKS : past.values(layer), ownValues[s], batch.start()[s]);
            }
        }
        pool.run(tiles, storeTask);
    }

    /** {@code z} from {@code q}, both {@code [rows, dModel]}, and what {@link #store} stored. */
    void fused(float[] z, float[] q, float scale) {
        this.z = z;
        this.q = q;
        this.scale = scale;
        pool.run(tiles * heads, fusedTask);
    }

    /**
     * Scores of all keys a sequence has, minus infinity where a key comes after the query: {@code [nHeads, queries,
     * keys]} at {@code mapOffsets[s]}.
     */
    void scores(float[] maps, int[] mapOffsets, float[] q, float scale) {
        this.maps = maps;
        this.mapOffsets = mapOffsets;
        this.q = q;
        this.scale = scale;
        pool.run(tiles * heads, scoresTask);
    }

    /** Softmax of the scores, in place. */
    void softmax() {
        pool.run(tiles * heads, patternTask);
    }

    /** {@code z} from the pattern. */
    void weigh(float[] z) {
        this.z = z;
        pool.run(tiles * heads, weighTask);
        maps = NOTHING;
    }

    private void storeTile(int worker, int tile) {
        int s = tileSequence[tile];
        int block = tileBlock[tile];
        float[] keyBlock = keys[s][block];
        float[] valueBlock = values[s][block];
        int first = firstPosition(s, block);
        if (first % BLOCK != 0 && !batch.append()[s]) {
            KeyValueBlocks past = (KeyValueBlocks) batch.past()[s];
            System.arraycopy(past.keys(layer)[block], 0, keyBlock, 0, keyBlock.length);
            System.arraycopy(past.values(layer)[block], 0, valueBlock, 0, valueBlock.length);
        }
        int row = row(s, first);
        for (int i = 0; i < queries(s, block); i++) {
            int from = (row + i) * d;
            int lane = (first + i) % BLOCK;
            for (int e = 0; e < d; e++) {
                keyBlock[e * BLOCK + lane] = k[from + e];
            }
            for (int head = 0; head < heads; head++) {
                System.arraycopy(v, from + head * dHead, valueBlock, (head * BLOCK + lane) * dHead, dHead);
            }
        }
    }

    private void fusedTile(int worker, int index) {
        int s = tileSequence[index % tiles];
        int block = tileBlock[index % tiles];
        int head = index / tiles;
        float[] map = scratch[worker];
        int stride = (block + 1) * BLOCK;
        scoreBlocks(map, s, block, head);
        int first = firstPosition(s, block);
        for (int i = 0; i < queries(s, block); i++) {
            kernels.softmax(map, i * stride, first + i + 1);
        }
        weighMap(map, 0, stride, s, block, head, false);
    }

    private void scoresTile(int worker, int index) {
        int s = tileSequence[index % tiles];
        int block = tileBlock[index % tiles];
        int head = index / tiles;
        int keyCount = batch.end(s);
        scoreBlocks(scratch[worker], s, block, head);
        int at = mapAt(s, block, head);
        int first = firstPosition(s, block);
        for (int i = 0; i < queries(s, block); i++) {
            int seen = first + i + 1;
            int to = at + i * keyCount;
            System.arraycopy(scratch[worker], i * (block + 1) * BLOCK, maps, to, seen);
            Arrays.fill(maps, to + seen, to + keyCount, Float.NEGATIVE_INFINITY);
        }
    }

    private void patternTile(int worker, int index) {
        int s = tileSequence[index % tiles];
        int block = tileBlock[index % tiles];
        int stride = batch.end(s);
        int at = mapAt(s, block, index / tiles);
        int first = firstPosition(s, block);
        for (int i = 0; i < queries(s, block); i++) {
            int from = at + i * stride;
            int n = extent(maps, from, first + i + 1, stride, Float.NEGATIVE_INFINITY);
            kernels.softmax(maps, from, n);
            Arrays.fill(maps, from + n, from + stride, 0);
        }
    }

    private void weighTile(int worker, int index) {
        int s = tileSequence[index % tiles];
        int block = tileBlock[index % tiles];
        int head = index / tiles;
        int stride = batch.end(s);
        weighMap(maps, mapAt(s, block, head), stride, s, block, head, true);
    }

    /**
     * Scores of a tile's queries with the keys of all blocks up to their own, {@code [queries, (block + 1) * BLOCK]}.
     */
    private void scoreBlocks(float[] map, int s, int block, int head) {
        int from = row(s, firstPosition(s, block)) * d + head * dHead;
        int stride = (block + 1) * BLOCK;
        kernels.scores(
                new Rows(map, 0, stride),
                new Rows(q, from, d),
                queries(s, block),
                ofHead(keys[s], head),
                block + 1,
                scale);
    }

    /**
     * z of a tile's queries. All of them see the blocks before their own; in it a few queries at a time go through the
     * keys they see together, then each through what it sees beyond. Keys that a query does not see are not touched,
     * whatever they hold.
     *
     * @param shown whether a probe saw the map, and may have let queries see later keys
     */
    private void weighMap(float[] map, int at, int stride, int s, int block, int head, boolean shown) {
        int first = firstPosition(s, block);
        int queries = queries(s, block);
        for (int i = 0; i < queries; i++) {
            Arrays.fill(z, zAt(s, first + i, head), zAt(s, first + i, head) + dHead, 0);
        }
        weigh(map, at, stride, queries, s, first, head, 0, block * BLOCK);
        for (int i = 0; i < queries; i += QUERIES_TOGETHER) {
            int end = Math.min(queries, i + QUERIES_TOGETHER);
            int common = Integer.MAX_VALUE;
            for (int r = i; r < end; r++) {
                common = Math.min(common, seen(map, at + r * stride, first + r, stride, shown));
            }
            weigh(map, at + i * stride, stride, end - i, s, first + i, head, block * BLOCK, common);
            for (int r = i; r < end; r++) {
                int seen = seen(map, at + r * stride, first + r, stride, shown);
                weigh(map, at + r * stride, stride, 1, s, first + r, head, common, seen);
            }
        }
    }

    private void weigh(
            float[] map,
            int at,
            int stride,
            int queries,
            int s,
            int firstPosition,
            int head,
            int firstKey,
            int endKey) {
        Rows out = new Rows(z, zAt(s, firstPosition, head), d);
        kernels.weigh(out, new Rows(map, at, stride), queries, ofHead(values[s], head), firstKey, endKey);
    }

    private HeadBlocks ofHead(float[][] keysOrValues, int head) {
        return new HeadBlocks(keysOrValues, head * BLOCK * dHead, dHead);
    }

    private static int seen(float[] map, int at, int position, int end, boolean shown) {
        return shown ? extent(map, at, position + 1, end, 0) : position + 1;
    }

    /**
     * The length of a map's row that takes part: up to the query's own position, or further where an edit unmasked
     * later keys.
     */
    private static int extent(float[] map, int at, int causal, int end, float masked) {
        int n = end;
        while (n > causal && map[at + n - 1] == masked) {
            n--;
        }
        return n;
    }

    private int zAt(int s, int position, int head) {
        return row(s, position) * d + head * dHead;
    }

    private int firstPosition(int s, int block) {
        return Math.max(batch.start()[s], block * BLOCK);
    }

    private int queries(int s, int block) {
        return Math.min(batch.end(s), (block + 1) * BLOCK) - firstPosition(s, block);
    }

    private int row(int s, int position) {
        return batch.firstRow()[s] + position - batch.start()[s];
    }

    private int mapAt(int s, int block, int head) {
        int query = firstPosition(s, block) - batch.start()[s];
        return mapOffsets[s] + (head * batch.length(s) + query) * batch.end(s);
    }

    /**
     * A past's whole blocks as they are, then the pass's own, of which {@link #storeTile} begins the first with a copy
     * of the past's partial block.
     */
    private static void shareThenOwn(float[][] blocks, float[][] past, float[][] own, int start) {
        int shared = start / BLOCK;
        System.arraycopy(own, shared, blocks, shared, blocks.length - shared);
        if (shared > 0) {
            System.arraycopy(past, 0, blocks, 0, shared);
        }
    }

    private float[][] blocks(float @Nullable [][] present, int needed) {
        if (present != null && present.length >= needed) {
            return present;
        }
        int have = present == null ? 0 : present.length;
        float[][] more = present == null ? new float[needed][] : Arrays.copyOf(present, needed);
        for (int i = have; i < needed; i++) {
            more[i] = new float[d * BLOCK];
        }
        return more;
    }
}
