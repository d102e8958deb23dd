package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.Kernels.K_BLOCK;
import static dev.hyaline.engine.internal.kernel.PackedMatrix.HALF;
import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.WIDTH;
import static dev.hyaline.engine.internal.kernel.vector.RegisterTiles.*;

import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.kernel.TileShape;
import jdk.incubator.vector.IntVector;

/**
 * Matrix products in register tiles, whose shape the rows' groups say: how panels, chains and rows are gone through so
 * that the tiles find what they read in the caches.
 */
final class Tiles {
    /** Up to so many rows, memory and not arithmetic bounds a product. */
    private static final int FEW = 16;
    /** Fewest rows for which four vectors are read at once. */
    private static final int ROWS_OF_WIDE = 4;

    /** Rows of a wide tile, which reads four vectors at once. */
    private static final int WIDE_ROWS = TileShape.SIX_BY_FOUR.rows();

    /** Panels that one row reads side by side. */
    private static final int STREAMS = Lanes.SHAPE == TileShape.SIX_BY_FOUR && WIDTH == HALF ? 4 : 1;

    /** Values of a panel's part of a chain, widened from bfloat16. */
    private static final int WIDENED = K_BLOCK * PANEL;

    private Tiles() {}

    /** Panels that a product of so many rows reads side by side. */
    static int panelsTogether(int rows, int group) {
        return rows == 1 ? STREAMS : panelsTogether(group);
    }

    /** A vector that fills half a panel leaves no second pair of vectors in it. */
    private static int panelsTogether(int group) {
        return group == WIDE_ROWS && WIDTH == HALF ? 2 : 1;
    }

    static void product(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel,
            Scratch scratch) {
        boolean partial = w.columns(endPanel - 1) < PANEL;
        panels(out, outAt, outStride, in, w, firstRow, endRow, firstPanel, partial ? endPanel - 1 : endPanel, scratch);
        if (partial) {
            lastPanel(out, outAt + (endPanel - 1) * PANEL, outStride, in, w, firstRow, endRow, endPanel - 1, scratch);
        }
    }

    /** Panels that the matrix fills. */
    private static void panels(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel,
            Scratch scratch) {
        for (int row = firstRow; row < endRow; row++) {
            int to = outAt + row * outStride + firstPanel * PANEL;
            System.arraycopy(w.bias(), firstPanel * PANEL, out, to, (endPanel - firstPanel) * PANEL);
        }
        int rows = endRow - firstRow;
        if (rows == 1) {
            row(out, outAt + firstRow * outStride, in.values(), in.at(firstRow), w, firstPanel, endPanel);
            return;
        }
        // Few rows are bound by memory and take each panel front to back. Many rows take a block of all panels before
        // the next, so that their part of a chain stays in the second-level cache, and a panel's part in the first.
        int panelsAtOnce = rows > FEW ? endPanel - firstPanel : rows >= ROWS_OF_WIDE ? panelsTogether(in.group()) : 1;
        for (int p = firstPanel; p < endPanel; p += panelsAtOnce) {
            chains(out, outAt, outStride, in, w, firstRow, endRow, p, Math.min(p + panelsAtOnce, endPanel), scratch);
        }
    }

    /** One row, which reads the weights once, several panels side by side where that is faster. */
    private static void row(
            float[] out, int outAt, float[] in, int inAt, PackedMatrix w, int firstPanel, int endPanel) {
        int p = firstPanel;
        for (; STREAMS > 1 && p <= endPanel - STREAMS; p += STREAMS) {
            for (int block = 0; block < w.k(); block += K_BLOCK) {
                int k = Math.min(K_BLOCK, w.k() - block);
                row1x8(out, outAt + p * PANEL, in, inAt + block, w, w.at(p, block), k);
            }
        }
        for (; p < endPanel; p++) {
            for (int block = 0; block < w.k(); block += K_BLOCK) {
                int k = Math.min(K_BLOCK, w.k() - block);
                for (int part = 0; part < HALF; part += WIDTH) {
                    row1x2(out, outAt + p * PANEL + part, in, inAt + block, w, w.at(p, block), part, k);
                }
            }
        }
    }

    private static void row1x2(float[] out, int outAt, float[] in, int inAt, PackedMatrix w, int at, int part, int k) {
        switch (w.values()) {
            case PackedMatrix.Float32 floats ->
                RegisterTiles.row1x2(out, outAt, in, inAt, floats.array(), at + part, k);
            case PackedMatrix.Bfloat16 halves ->
                row1x2OfBfloat16(out, outAt, in, inAt, halves.pairs(), at / 2 + part, k);
        }
    }

    private static void row1x8(float[] out, int outAt, float[] in, int inAt, PackedMatrix w, int at, int k) {
        int next = w.panelStride();
        switch (w.values()) {
            case PackedMatrix.Float32 floats -> RegisterTiles.row1x8(out, outAt, in, inAt, floats.array(), at, next, k);
            case PackedMatrix.Bfloat16 halves ->
                RegisterTiles.row1x8OfBfloat16(out, outAt, in, inAt, halves.pairs(), at / 2, next / 2, k);
        }
    }

    /** A panel in which the matrix ends goes through memory that has room for all of it: masks would cost more. */
    private static void lastPanel(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int panel,
            Scratch scratch) {
        float[] whole = scratch.wholePanel(endRow - firstRow);
        panels(whole, -firstRow * PANEL - panel * PANEL, PANEL, in, w, firstRow, endRow, panel, panel + 1, scratch);
        for (int row = firstRow; row < endRow; row++) {
            System.arraycopy(whole, (row - firstRow) * PANEL, out, outAt + row * outStride, w.columns(panel));
        }
    }

    private static void chains(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel,
            Scratch scratch) {
        int together = panelsTogether(in.group());
        for (int block = 0; block < w.k(); block += K_BLOCK) {
            int k = Math.min(K_BLOCK, w.k() - block);
            for (int p = firstPanel; p < endPanel; p += together) {
                int panels = Math.min(together, endPanel - p);
                int o = outAt + p * PANEL;
                int at = w.at(p, block);
                int next = w.panelStride();
                switch (w.values()) {
                    case PackedMatrix.Float32 floats ->
                        panels(out, o, outStride, in, firstRow, endRow, floats.array(), at, next, panels, block, k);
                    case PackedMatrix.Bfloat16 halves -> {
                        float[] widened = scratch.widened(together);
                        for (int i = 0; i < panels; i++) {
                            widen(widened, i * WIDENED, halves.pairs(), (at + i * next) / 2, k);
                        }
                        panels(out, o, outStride, in, firstRow, endRow, widened, 0, WIDENED, panels, block, k);
                    }
                }
            }
        }
    }

    /**
     * Adds one chain, the steps {@code block} to {@code block + k}, to each row's columns of one or two neighbouring
     * panels.
     *
     * @param next distance between the panels
     */
    private static void panels(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            int firstRow,
            int endRow,
            float[] panel,
            int panelAt,
            int next,
            int panels,
            int block,
            int k) {
        if (panels == 2) {
            wide(out, outAt, outStride, PANEL, in, firstRow, endRow, panel, panelAt, next, block, k);
        } else if (in.group() == WIDE_ROWS && WIDTH < HALF) {
            for (int part = 0; part < HALF; part += 2 * WIDTH) {
                wide(out, outAt + part, outStride, WIDTH, in, firstRow, endRow, panel, panelAt + part, WIDTH, block, k);
            }
        } else {
            for (int part = 0; part < HALF; part += WIDTH) {
                narrow(out, outAt + part, outStride, in, firstRow, endRow, panel, panelAt + part, block, k);
            }
        }
    }

    /** Two pairs of vectors, {@code outNext} and {@code panelNext} apart. */
    private static void wide(
            float[] out,
            int outAt,
            int outStride,
            int outNext,
            InputRows in,
            int firstRow,
            int endRow,
            float[] panel,
            int panelAt,
            int panelNext,
            int block,
            int k) {
        int row = firstRow;
        for (; row <= endRow - WIDE_ROWS; row += WIDE_ROWS) {
            tile6x4(
                    out,
                    outAt + row * outStride,
                    outStride,
                    outNext,
                    in.interleaved(),
                    in.interleavedAt(block, k, row / WIDE_ROWS),
                    panel,
                    panelAt,
                    panelNext,
                    k);
        }
        if (row <= endRow - ROWS_OF_WIDE) {
            rows4x4(
                    out,
                    outAt + row * outStride,
                    outStride,
                    outNext,
                    in.values(),
                    in.at(row) + block,
                    in.stride(),
                    panel,
                    panelAt,
                    panelNext,
                    k);
            row += ROWS_OF_WIDE;
        }
        if (row <= endRow - 2) {
            rows2x4(
                    out,
                    outAt + row * outStride,
                    outStride,
                    outNext,
                    in.values(),
                    in.at(row) + block,
                    in.stride(),
                    panel,
                    panelAt,
                    panelNext,
                    k);
            row += 2;
        }
        rest(out, outAt, outStride, in, row, endRow, panel, panelAt, block, k);
        rest(out, outAt + outNext, outStride, in, row, endRow, panel, panelAt + panelNext, block, k);
    }

    /** One pair of vectors. */
    private static void narrow(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            int firstRow,
            int endRow,
            float[] panel,
            int panelAt,
            int block,
            int k) {
        int row = firstRow;
        int group = in.group();
        for (; row <= endRow - group; row += group) {
            int to = outAt + row * outStride;
            int from = in.interleavedAt(block, k, row / group);
            if (group == WIDE_ROWS) {
                tile6x2(out, to, outStride, in.interleaved(), from, panel, panelAt, k);
            } else {
                tile4x2(out, to, outStride, in.interleaved(), from, panel, panelAt, k);
            }
        }
        rest(out, outAt, outStride, in, row, endRow, panel, panelAt, block, k);
    }

    /** The rows that fill no tile, as they lie. */
    private static void rest(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            int firstRow,
            int endRow,
            float[] panel,
            int panelAt,
            int block,
            int k) {
        int row = firstRow;
        for (; row <= endRow - 2; row += 2) {
            int to = outAt + row * outStride;
            rows2x2(out, to, outStride, in.values(), in.at(row) + block, in.stride(), panel, panelAt, k);
        }
        if (row < endRow) {
            RegisterTiles.row1x2(out, outAt + row * outStride, in.values(), in.at(row) + block, panel, panelAt, k);
        }
    }

    private static void widen(float[] widened, int at, int[] pairs, int pairsAt, int k) {
        for (int e = 0; e < k; e++) {
            for (int part = 0; part < HALF; part += WIDTH) {
                IntVector pair = IntVector.fromArray(PAIRS, pairs, pairsAt + e * HALF + part);
                lowerHalves(pair).intoArray(widened, at + e * PANEL + part);
                upperHalves(pair).intoArray(widened, at + e * PANEL + part + HALF);
            }
        }
    }
}
