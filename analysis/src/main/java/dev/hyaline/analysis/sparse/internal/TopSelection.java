package dev.hyaline.analysis.sparse.internal;

import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import java.util.Arrays;

/**
 * The largest scores of each of some rows, found while the scores go by in ascending order of their columns: a bound
 * rises with what has been seen, and most scores are compared with it and forgotten. Of equal scores the lowest column
 * wins. For one worker.
 */
public final class TopSelection {
    private final SparseKernels sparse;
    private final int k;
    private final float floor;
    private final int capacity;
    private final int[] indices;
    private final float[] scores;
    private final float[] values;
    private final int[] counts;
    private final float[] cuts;
    private final int[] found = new int[TileProduct.COLUMNS];
    private final float[] sorted;

    /**
     * For the {@code k} largest of up to so many rows.
     *
     * @param floor scores up to it do not count
     */
    public TopSelection(Kernels kernels, int k, int rows, float floor) {
        this.sparse = kernels.sparse();
        this.floor = floor;
        this.k = k;
        capacity = Math.max(2 * k, k + 64);
        indices = new int[rows * capacity];
        scores = new float[rows * capacity];
        values = new float[rows * capacity];
        counts = new int[rows];
        cuts = new float[rows];
        sorted = new float[capacity];
        begin();
    }

    /** Forgets all rows. */
    public final void begin() {
        Arrays.fill(counts, 0);
        Arrays.fill(cuts, floor);
    }

    /**
     * Looks at some scores of a row.
     *
     * @param score from index {@code at} on, those of columns {@code firstColumn} on
     * @param value kept with each score, from index {@code valueAt} on
     */
    public void add(int row, float[] score, int at, float[] value, int valueAt, int firstColumn, int columns) {
        int count = sparse.above(score, at, columns, cuts[row], found, 0);
        for (int i = 0; i < count; i++) {
            float s = score[at + found[i]];
            if (s > cuts[row]) {
                if (counts[row] == capacity) {
                    prune(row);
                    if (s <= cuts[row]) {
                        continue;
                    }
                }
                int to = row * capacity + counts[row]++;
                indices[to] = firstColumn + found[i];
                scores[to] = s;
                values[to] = value[valueAt + found[i]];
            }
        }
    }

    /** Reduces a row to its {@code k} largest, whose least is the new bound. */
    private void prune(int row) {
        int count = counts[row];
        if (count <= k) {
            return;
        }
        int from = row * capacity;
        System.arraycopy(scores, from, sorted, 0, count);
        float least = kthLargest(sorted, count, k);
        int ties = k;
        for (int i = from; i < from + count; i++) {
            ties -= scores[i] > least ? 1 : 0;
        }
        int to = from;
        for (int i = from; i < from + count; i++) {
            if (scores[i] > least || (scores[i] == least && ties-- > 0)) {
                indices[to] = indices[i];
                scores[to] = scores[i];
                values[to++] = values[i];
            }
        }
        counts[row] = k;
        cuts[row] = least;
    }

    /** Ends a row: its columns ascending, with the values kept with the scores. */
    public void finish(int row, int token, TokenLists lists) {
        prune(row);
        lists.set(token, indices, values, row * capacity, counts[row]);
    }

    /**
     * The {@code k}-th largest of the first {@code count}, which change places. Without branches on the values, which
     * no processor can foresee.
     */
    public static float kthLargest(float[] values, int count, int k) {
        int low = 0;
        int end = count;
        int wanted = k - 1;
        while (true) {
            float pivot = median(values[low], values[(low + end) >>> 1], values[end - 1]);
            int above = low;
            for (int i = low; i < end; i++) {
                float value = values[i];
                values[i] = values[above];
                values[above] = value;
                above += value > pivot ? 1 : 0;
            }
            if (wanted < above) {
                end = above;
                continue;
            }
            int equal = above;
            for (int i = above; i < end; i++) {
                float value = values[i];
                values[i] = values[equal];
                values[equal] = value;
                equal += value == pivot ? 1 : 0;
            }
            if (wanted < equal || equal == low) {
                return pivot;
            }
            low = equal;
        }
    }

    private static float median(float a, float b, float c) {
        return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    }
}
