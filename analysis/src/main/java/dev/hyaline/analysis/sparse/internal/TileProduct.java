package dev.hyaline.analysis.sparse.internal;

import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.stream.IntStream;

/**
 * A product whose output is looked at tile by tile and kept nowhere: each tile is a few hundred rows and columns, still
 * in the cache when its reader comes. A row's tiles come in ascending order of their columns, on one thread. For one
 * caller at a time.
 */
public final class TileProduct {
    /** Most rows of a tile: their part of a chain stays in the second-level cache. */
    private static final int MAX_ROWS = 192;

    /** Panels of a tile. */
    private static final int PANELS = 8;

    /** Columns that a tile has at most. */
    public static final int COLUMNS = PANELS * PackedMatrix.PANEL;

    private static final int GROUPS_PER_TASK = 8;

    /** Reads tiles. */
    public interface Reader {
        /**
         * Reads a tile and may change it.
         *
         * @param tile row {@code r} of the product from index {@code (r - firstRow) * COLUMNS} on
         */
        void tile(int worker, float[] tile, int firstRow, int endRow, int firstColumn, int columns);

        /** Called after the last tile of some rows, on the thread of their tiles. */
        default void done(int worker, int firstRow, int endRow) {}

        /** Copies the product into an array of rows of some width. */
        static Reader copying(float[] out, int width) {
            return (worker, tile, firstRow, endRow, firstColumn, columns) -> {
                for (int row = firstRow; row < endRow; row++) {
                    int from = (row - firstRow) * COLUMNS;
                    System.arraycopy(tile, from, out, row * width + firstColumn, columns);
                }
            };
        }
    }

    private final Kernels kernels;
    private final WorkerPool pool;
    private final InputRows in = new InputRows();
    private final Scratch[] scratch;
    private final float[][] tiles;

    public TileProduct(Kernels kernels, WorkerPool pool) {
        this.kernels = kernels;
        this.pool = pool;
        scratch =
                IntStream.range(0, pool.threads()).mapToObj(i -> new Scratch()).toArray(Scratch[]::new);
        tiles = new float[pool.threads()][];
    }

    /** The kernels of this process. */
    public static Kernels kernels() {
        return KernelProvider.provide().kernels();
    }

    /** Most rows that one worker looks at together. */
    public static int maxRows() {
        return MAX_ROWS;
    }

    /** Multiplies contiguous rows {@code [rows, k]} by a matrix. */
    public void run(float[] values, int rows, PackedMatrix w, Reader reader) {
        if (rows == 0) {
            return;
        }
        in.set(values, 0, w.k(), w.k(), rows, kernels.rowsTogether());
        if (in.groups() > 0) {
            in.reserve();
            pool.run(
                    Math.ceilDiv(in.groups(), GROUPS_PER_TASK),
                    (worker, i) -> kernels.interleave(
                            in, i * GROUPS_PER_TASK, Math.min(in.groups(), (i + 1) * GROUPS_PER_TASK)));
        }
        int share = Math.min(MAX_ROWS, Math.ceilDiv(rows, pool.threads()));
        int rowsAtOnce = Math.ceilDiv(share, in.group()) * in.group();
        pool.run(Math.ceilDiv(rows, rowsAtOnce), (worker, i) -> {
            int first = i * rowsAtOnce;
            int end = Math.min(rows, first + rowsAtOnce);
            rows(worker, w, first, end, reader);
            reader.done(worker, first, end);
        });
        in.forget();
    }

    private void rows(int worker, PackedMatrix w, int first, int end, Reader reader) {
        if (tiles[worker] == null) {
            tiles[worker] = new float[MAX_ROWS * COLUMNS];
        }
        float[] tile = tiles[worker];
        for (int panel = 0; panel < w.panels(); panel += PANELS) {
            int endPanel = Math.min(w.panels(), panel + PANELS);
            int column = panel * PackedMatrix.PANEL;
            Rows out = new Rows(tile, -first * COLUMNS - column, COLUMNS);
            kernels.product(out, in, w, first, end, panel, endPanel, scratch[worker]);
            reader.tile(worker, tile, first, end, column, w.columns(panel, endPanel));
        }
    }
}
