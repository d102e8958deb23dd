package dev.hyaline.analysis.sparse.internal;

import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Encodes tokens: multiplies them by the encoder and keeps what a {@link Selection} wants. For one caller at a time.
 */
public final class Selector {
    private final Kernels kernels;
    private final SparseKernels sparse;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final TileProduct product;

    public Selector(Kernels kernels, WorkerPool pool) {
        this.kernels = kernels;
        sparse = kernels.sparse();
        gradients = kernels.gradients();
        this.pool = pool;
        product = new TileProduct(kernels, pool);
    }

    /** The product that it looks at. */
    public TileProduct product() {
        return product;
    }

    /**
     * The chosen latents of tokens {@code [rows, k]}.
     *
     * @param encoder with its bias
     */
    public TokenLists select(float[] h, int rows, PackedMatrix encoder, Selection selection) {
        TokenLists lists = new TokenLists(rows);
        product.run(h, rows, encoder, reader(selection, encoder.n(), lists));
        return lists;
    }

    /** A reader that fills lists with the latents that a selection wants. */
    public TileProduct.Reader reader(Selection selection, int latents, TokenLists lists) {
        return switch (selection) {
            case Selection.Above above -> new Cut(lists, above.cuts(), new float[0], false);
            case Selection.AboveScaled above -> {
                float[] cuts = new float[latents];
                Arrays.fill(cuts, above.cut());
                yield new Cut(lists, cuts, above.scale(), above.scale().length > 0);
            }
            case Selection.Top top -> new Tops(lists, top);
            case Selection.GroupMax groups -> new Groups(lists, groups.groups(), latents / groups.groups());
        };
    }

    private <T> T[] workers(T[] slots, Supplier<T> made) {
        for (int i = 0; i < slots.length; i++) {
            slots[i] = made.get();
        }
        return slots;
    }

    /** Growing lists of some rows. */
    private static final class Buffers {
        private final int[][] indices = new int[TileProduct.maxRows()][];
        private final float[][] values = new float[TileProduct.maxRows()][];
        private final int[] counts = new int[TileProduct.maxRows()];

        void room(int row, int more) {
            if (indices[row] == null) {
                indices[row] = new int[TileProduct.COLUMNS];
                values[row] = new float[TileProduct.COLUMNS];
            }
            if (indices[row].length < counts[row] + more) {
                int length = 2 * (counts[row] + more);
                indices[row] = Arrays.copyOf(indices[row], length);
                values[row] = Arrays.copyOf(values[row], length);
            }
        }
    }

    private final class Cut implements TileProduct.Reader {
        private final TokenLists lists;
        private final float[] cuts;
        private final float[] scale;
        private final boolean scaled;
        private final Buffers[] buffers;

        Cut(TokenLists lists, float[] cuts, float[] scale, boolean scaled) {
            this.lists = lists;
            this.cuts = cuts;
            this.scale = scale;
            this.scaled = scaled;
            buffers = workers(new Buffers[pool.threads()], Buffers::new);
        }

        @Override
        public void tile(int worker, float[] tile, int firstRow, int endRow, int firstColumn, int columns) {
            Buffers buffer = buffers[worker];
            for (int row = 0; row < endRow - firstRow; row++) {
                int at = row * TileProduct.COLUMNS;
                if (scaled) {
                    gradients.multiply(tile, at, scale, firstColumn, columns);
                }
                buffer.room(row, columns);
                int to = buffer.counts[row];
                int count = sparse.aboveEach(tile, at, columns, cuts, firstColumn, buffer.indices[row], to);
                for (int i = to; i < to + count; i++) {
                    int column = buffer.indices[row][i];
                    buffer.values[row][i] = tile[at + column];
                    buffer.indices[row][i] = firstColumn + column;
                }
                buffer.counts[row] += count;
            }
        }

        @Override
        public void done(int worker, int firstRow, int endRow) {
            Buffers buffer = buffers[worker];
            for (int row = 0; row < endRow - firstRow; row++) {
                lists.set(firstRow + row, buffer.indices[row], buffer.values[row], 0, buffer.counts[row]);
                buffer.counts[row] = 0;
            }
        }
    }

    private final class Tops implements TileProduct.Reader {
        private final TokenLists lists;
        private final float[] scale;
        private final TopSelection[] tops;
        private final float[][] scores = new float[pool.threads()][TileProduct.COLUMNS];

        Tops(TokenLists lists, Selection.Top top) {
            this.lists = lists;
            this.scale = top.scale();
            float floor = top.positive() ? 0 : Float.NEGATIVE_INFINITY;
            tops = workers(
                    new TopSelection[pool.threads()],
                    () -> new TopSelection(kernels, top.k(), TileProduct.maxRows(), floor));
        }

        @Override
        public void tile(int worker, float[] tile, int firstRow, int endRow, int firstColumn, int columns) {
            TopSelection top = tops[worker];
            for (int row = 0; row < endRow - firstRow; row++) {
                int at = row * TileProduct.COLUMNS;
                if (scale.length == 0) {
                    top.add(row, tile, at, tile, at, firstColumn, columns);
                } else {
                    float[] score = scores[worker];
                    System.arraycopy(tile, at, score, 0, columns);
                    gradients.multiply(score, 0, scale, firstColumn, columns);
                    top.add(row, score, 0, tile, at, firstColumn, columns);
                }
            }
        }

        @Override
        public void done(int worker, int firstRow, int endRow) {
            for (int row = 0; row < endRow - firstRow; row++) {
                tops[worker].finish(row, firstRow + row, lists);
            }
            tops[worker].begin();
        }
    }

    private final class Groups implements TileProduct.Reader {
        private final TokenLists lists;
        private final int groups;
        private final int size;
        private final float[][] largest;
        private final int[][] where;

        Groups(TokenLists lists, int groups, int size) {
            this.lists = lists;
            this.groups = groups;
            this.size = size;
            largest = new float[pool.threads()][TileProduct.maxRows() * groups];
            where = new int[pool.threads()][TileProduct.maxRows() * groups];
        }

        @Override
        public void tile(int worker, float[] tile, int firstRow, int endRow, int firstColumn, int columns) {
            for (int row = 0; row < endRow - firstRow; row++) {
                for (int c = 0; c < columns; c++) {
                    float z = tile[row * TileProduct.COLUMNS + c];
                    int group = row * groups + (firstColumn + c) / size;
                    if (z > largest[worker][group]) {
                        largest[worker][group] = z;
                        where[worker][group] = firstColumn + c;
                    }
                }
            }
        }

        @Override
        public void done(int worker, int firstRow, int endRow) {
            int[] indices = new int[groups];
            float[] values = new float[groups];
            for (int row = 0; row < endRow - firstRow; row++) {
                int count = 0;
                for (int group = row * groups; group < (row + 1) * groups; group++) {
                    if (largest[worker][group] > 0) {
                        indices[count] = where[worker][group];
                        values[count++] = largest[worker][group];
                    }
                }
                lists.set(firstRow + row, indices, values, 0, count);
            }
            Arrays.fill(largest[worker], 0);
        }
    }
}
