package dev.hyaline.engine.tornado;

import dev.hyaline.engine.internal.forward.KeyValues;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Attention and the pages of keys and values, as {@link ParallelKernels} are. Queries, keys and values of a pass are
 * {@code [3, capacity, d]}.
 */
final class AttentionKernels {
    /** Positions a page of keys or values. */
    static final int PAGE = KeyValues.BLOCK;

    /** Score of a key that a query does not see. (Drivers may compile without infinities.) */
    static final float MASKED = -1e30f;

    private AttentionKernels() {}

    /** Puts each row's key and value on the page of its position. Pages are {@code [layers][pages][PAGE][d]}. */
    public static void store(
            FloatArray keys,
            FloatArray values,
            FloatArray qkv,
            IntArray pages,
            IntArray rows,
            IntArray step,
            int d,
            int capacity,
            int pageCount) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                int position = rows.get(r * RowField.FIELDS + RowField.POSITION);
                int page = pages.get(rows.get(r * RowField.FIELDS + RowField.PAGES) + position / PAGE);
                int at = ((step.get(StepField.LAYER) * pageCount + page) * PAGE + position % PAGE) * d + e;
                keys.set(at, qkv.get((capacity + r) * d + e));
                values.set(at, qkv.get((2 * capacity + r) * d + e));
            }
        }
    }

    /** Copies one page of every layer. */
    public static void copyPage(
            FloatArray keys, FloatArray values, IntArray step, int layers, int pageCount, int pageSize) {
        for (@Parallel int i = 0; i < pageSize; i++) {
            for (int layer = 0; layer < layers; layer++) {
                int from = (layer * pageCount + step.get(StepField.FROM_PAGE)) * pageSize + i;
                int to = (layer * pageCount + step.get(StepField.TO_PAGE)) * pageSize + i;
                keys.set(to, keys.get(from));
                values.set(to, values.get(from));
            }
        }
    }

    /**
     * Causal attention without a map: each query goes through its keys once and rescales what it has when a larger
     * score comes.
     */
    public static void attend(
            FloatArray z,
            FloatArray q,
            FloatArray keys,
            FloatArray values,
            FloatArray scales,
            IntArray pages,
            IntArray rows,
            IntArray step,
            int capacity,
            int heads,
            int dHead,
            int pageCount) {
        for (@Parallel int index = 0; index < capacity * heads; index++) {
            int r = index / heads;
            if (r < step.get(StepField.ROWS)) {
                int d = heads * dHead;
                int head = (index % heads) * dHead;
                int at = r * d + head;
                float scale = scales.get(step.get(StepField.LAYER));
                int position = rows.get(r * RowField.FIELDS + RowField.POSITION);
                int table = rows.get(r * RowField.FIELDS + RowField.PAGES);
                float max = MASKED;
                float sum = 0f;
                for (int e = 0; e < dHead; e++) {
                    z.set(at + e, 0f);
                }
                for (int j = 0; j <= position; j++) {
                    int page = step.get(StepField.LAYER) * pageCount + pages.get(table + j / PAGE);
                    int key = (page * PAGE + j % PAGE) * d + head;
                    float score = 0f;
                    for (int e = 0; e < dHead; e++) {
                        score += q.get(at + e) * keys.get(key + e);
                    }
                    score = score * scale;
                    if (score > max) {
                        float shrink = TornadoMath.exp(max - score);
                        sum = sum * shrink;
                        for (int e = 0; e < dHead; e++) {
                            z.set(at + e, z.get(at + e) * shrink);
                        }
                        max = score;
                    }
                    float weight = TornadoMath.exp(score - max);
                    sum += weight;
                    for (int e = 0; e < dHead; e++) {
                        z.set(at + e, z.get(at + e) + weight * values.get(key + e));
                    }
                }
                for (int e = 0; e < dHead; e++) {
                    z.set(at + e, z.get(at + e) / sum);
                }
            }
        }
    }

    /** Scores of all keys of each query's sequence; {@link #MASKED} after the query. */
    public static void scores(
            FloatArray maps,
            FloatArray q,
            FloatArray keys,
            FloatArray scales,
            IntArray pages,
            IntArray rows,
            IntArray step,
            int capacity,
            int heads,
            int dHead,
            int pageCount) {
        for (@Parallel int index = 0; index < capacity * heads; index++) {
            int r = index / heads;
            if (r < step.get(StepField.ROWS)) {
                int d = heads * dHead;
                int head = index % heads;
                int row = r * RowField.FIELDS;
                int map = rows.get(row + RowField.MAP) + head * rows.get(row + RowField.MAP_STRIDE);
                float scale = scales.get(step.get(StepField.LAYER));
                for (int j = 0; j < rows.get(row + RowField.KEYS); j++) {
                    float score = MASKED;
                    if (j <= rows.get(row + RowField.POSITION)) {
                        int page = step.get(StepField.LAYER) * pageCount
                                + pages.get(rows.get(row + RowField.PAGES) + j / PAGE);
                        int key = (page * PAGE + j % PAGE) * d + head * dHead;
                        float dot = 0f;
                        for (int e = 0; e < dHead; e++) {
                            dot += q.get(r * d + head * dHead + e) * keys.get(key + e);
                        }
                        score = dot * scale;
                    }
                    maps.set(map + j, score);
                }
            }
        }
    }

    /** Softmax of each query's scores, in place. */
    public static void pattern(FloatArray maps, IntArray rows, IntArray step, int capacity, int heads) {
        for (@Parallel int index = 0; index < capacity * heads; index++) {
            int r = index / heads;
            if (r < step.get(StepField.ROWS)) {
                int row = r * RowField.FIELDS;
                int map = rows.get(row + RowField.MAP) + (index % heads) * rows.get(row + RowField.MAP_STRIDE);
                int keys = rows.get(row + RowField.KEYS);
                float max = MASKED;
                for (int j = 0; j < keys; j++) {
                    max = TornadoMath.max(max, maps.get(map + j));
                }
                float sum = 0f;
                for (int j = 0; j < keys; j++) {
                    float weight = TornadoMath.exp(maps.get(map + j) - max);
                    maps.set(map + j, weight);
                    sum += weight;
                }
                for (int j = 0; j < keys; j++) {
                    maps.set(map + j, maps.get(map + j) / sum);
                }
            }
        }
    }

    /** {@code z = pattern values}. */
    public static void weigh(
            FloatArray z,
            FloatArray maps,
            FloatArray values,
            IntArray pages,
            IntArray rows,
            IntArray step,
            int capacity,
            int heads,
            int dHead,
            int pageCount) {
        for (@Parallel int index = 0; index < capacity * heads; index++) {
            int r = index / heads;
            if (r < step.get(StepField.ROWS)) {
                int d = heads * dHead;
                int head = index % heads;
                int at = r * d + head * dHead;
                int row = r * RowField.FIELDS;
                int map = rows.get(row + RowField.MAP) + head * rows.get(row + RowField.MAP_STRIDE);
                for (int e = 0; e < dHead; e++) {
                    z.set(at + e, 0f);
                }
                for (int j = 0; j < rows.get(row + RowField.KEYS); j++) {
                    int page = step.get(StepField.LAYER) * pageCount
                            + pages.get(rows.get(row + RowField.PAGES) + j / PAGE);
                    int value = (page * PAGE + j % PAGE) * d + head * dHead;
                    float weight = maps.get(map + j);
                    for (int e = 0; e < dHead; e++) {
                        z.set(at + e, z.get(at + e) + weight * values.get(value + e));
                    }
                }
            }
        }
    }
}
