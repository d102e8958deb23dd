package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.InputRows.GROUP;
import static dev.hyaline.engine.internal.kernel.Kernels.K_BLOCK;
import static dev.hyaline.engine.internal.kernel.PackedMatrix.HALF;
import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.WIDTH;

import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Scratch;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Matrix products in register tiles: four rows by two vectors, one from each half of a panel, whose eight accumulators
 * keep the multipliers busy and stay in registers along a chain. Larger tiles are as fast on long chains, but lose a
 * fifth on chains of {@code K_BLOCK} steps. The tiles are written out because C2 keeps accumulators in registers only
 * as local variables of straight-line code, and only if all they are passed to is inlined.
 */
final class Tiles {
    /** Up to so many rows, memory and not arithmetic bounds a product. */
    private static final int FEW = 16;

    private static final VectorSpecies<Integer> PAIRS = SPECIES.withLanes(int.class);

    private Tiles() {}

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
        // Few rows are bound by memory and take each panel front to back. Many rows take a block of all panels before
        // the next, so that their part of a chain stays in the second-level cache, and a panel's part in the first.
        int panelsAtOnce = endRow - firstRow <= FEW ? 1 : endPanel - firstPanel;
        for (int p = firstPanel; p < endPanel; p += panelsAtOnce) {
            chains(out, outAt, outStride, in, w, firstRow, endRow, p, Math.min(p + panelsAtOnce, endPanel), scratch);
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
        for (int block = 0; block < w.k(); block += K_BLOCK) {
            int k = Math.min(K_BLOCK, w.k() - block);
            for (int p = firstPanel; p < endPanel; p++) {
                int o = outAt + p * PANEL;
                switch (w.values()) {
                    case PackedMatrix.Float32 floats ->
                        panel(out, o, outStride, in, firstRow, endRow, floats.array(), w.at(p, block), block, k);
                    case PackedMatrix.Bfloat16 halves
                    when endRow - firstRow == 1 ->
                        rowOfBfloat16(
                                out,
                                o + firstRow * outStride,
                                in.values(),
                                in.at(firstRow) + block,
                                halves.pairs(),
                                w.at(p, block) / 2,
                                k);
                    case PackedMatrix.Bfloat16 halves -> {
                        float[] widened = scratch.widened();
                        widen(widened, halves.pairs(), w.at(p, block) / 2, k);
                        panel(out, o, outStride, in, firstRow, endRow, widened, 0, block, k);
                    }
                }
            }
        }
    }

    /** Adds one chain, the steps {@code block} to {@code block + k}, to a panel's columns of each row. */
    private static void panel(
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
        for (int part = 0; part < HALF; part += WIDTH) {
            rows(out, outAt + part, outStride, in, firstRow, endRow, panel, panelAt + part, block, k);
        }
    }

    private static void rows(
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
        for (; row <= endRow - GROUP; row += GROUP) {
            tile4(
                    out,
                    outAt + row * outStride,
                    outStride,
                    in.interleaved(),
                    in.interleavedAt(block, k, row / GROUP),
                    panel,
                    panelAt,
                    k);
        }
        if (row <= endRow - 2) {
            tile2(
                    out,
                    outAt + row * outStride,
                    outStride,
                    in.values(),
                    in.at(row) + block,
                    in.stride(),
                    panel,
                    panelAt,
                    k);
            row += 2;
        }
        if (row < endRow) {
            tile1(out, outAt + row * outStride, in.values(), in.at(row) + block, panel, panelAt, k);
        }
    }

    private static void rowOfBfloat16(float[] out, int outAt, float[] in, int inAt, int[] pairs, int pairsAt, int k) {
        for (int part = 0; part < HALF; part += WIDTH) {
            tile1OfBfloat16(out, outAt + part, in, inAt, pairs, pairsAt + part, k);
        }
    }

    private static void widen(float[] widened, int[] pairs, int pairsAt, int k) {
        for (int e = 0; e < k; e++) {
            for (int part = 0; part < HALF; part += WIDTH) {
                IntVector pair = IntVector.fromArray(PAIRS, pairs, pairsAt + e * HALF + part);
                lowerHalves(pair).intoArray(widened, e * PANEL + part);
                upperHalves(pair).intoArray(widened, e * PANEL + part + HALF);
            }
        }
    }

    private static FloatVector lowerHalves(IntVector pair) {
        return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector upperHalves(IntVector pair) {
        return pair.and(0xFFFF0000).reinterpretAsFloats();
    }

    private static void add(float[] out, int at, FloatVector v) {
        FloatVector.fromArray(SPECIES, out, at).add(v).intoArray(out, at);
    }

    private static void tile4(
            float[] out, int outAt, int outStride, float[] interleaved, int at, float[] panel, int panelAt, int k) {
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        FloatVector l2 = FloatVector.zero(SPECIES);
        FloatVector h2 = FloatVector.zero(SPECIES);
        FloatVector l3 = FloatVector.zero(SPECIES);
        FloatVector h3 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, interleaved[at + e * GROUP]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, interleaved[at + e * GROUP + 1]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, interleaved[at + e * GROUP + 2]);
            l2 = x2.fma(low, l2);
            h2 = x2.fma(high, h2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, interleaved[at + e * GROUP + 3]);
            l3 = x3.fma(low, l3);
            h3 = x3.fma(high, h3);
        }
        add(out, outAt, l0);
        add(out, outAt + HALF, h0);
        add(out, outAt + outStride, l1);
        add(out, outAt + outStride + HALF, h1);
        add(out, outAt + 2 * outStride, l2);
        add(out, outAt + 2 * outStride + HALF, h2);
        add(out, outAt + 3 * outStride, l3);
        add(out, outAt + 3 * outStride + HALF, h3);
    }

    private static void tile2(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k) {
        int i1 = inAt + inStride;
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[inAt + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
        }
        add(out, outAt, l0);
        add(out, outAt + HALF, h0);
        add(out, outAt + outStride, l1);
        add(out, outAt + outStride + HALF, h1);
    }

    private static void tile1(float[] out, int outAt, float[] in, int inAt, float[] panel, int panelAt, int k) {
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[inAt + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
        }
        add(out, outAt, l0);
        add(out, outAt + HALF, h0);
    }

    /**
     * One row alone is bound by memory, so it widens the weights in its registers. Four steps at a time: the fewer
     * instructions a byte takes, the more bytes are under way from memory.
     */
    private static void tile1OfBfloat16(float[] out, int outAt, float[] in, int inAt, int[] pairs, int pairsAt, int k) {
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        int e = 0;
        for (; e <= k - 4; e += 4) {
            IntVector pair0 = IntVector.fromArray(PAIRS, pairs, pairsAt + e * HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[inAt + e]);
            l0 = x0.fma(lowerHalves(pair0), l0);
            h0 = x0.fma(upperHalves(pair0), h0);
            IntVector pair1 = IntVector.fromArray(PAIRS, pairs, pairsAt + (e + 1) * HALF);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[inAt + e + 1]);
            l0 = x1.fma(lowerHalves(pair1), l0);
            h0 = x1.fma(upperHalves(pair1), h0);
            IntVector pair2 = IntVector.fromArray(PAIRS, pairs, pairsAt + (e + 2) * HALF);
            FloatVector x2 = FloatVector.broadcast(SPECIES, in[inAt + e + 2]);
            l0 = x2.fma(lowerHalves(pair2), l0);
            h0 = x2.fma(upperHalves(pair2), h0);
            IntVector pair3 = IntVector.fromArray(PAIRS, pairs, pairsAt + (e + 3) * HALF);
            FloatVector x3 = FloatVector.broadcast(SPECIES, in[inAt + e + 3]);
            l0 = x3.fma(lowerHalves(pair3), l0);
            h0 = x3.fma(upperHalves(pair3), h0);
        }
        for (; e < k; e++) {
            IntVector pair = IntVector.fromArray(PAIRS, pairs, pairsAt + e * HALF);
            FloatVector x = FloatVector.broadcast(SPECIES, in[inAt + e]);
            l0 = x.fma(lowerHalves(pair), l0);
            h0 = x.fma(upperHalves(pair), h0);
        }
        add(out, outAt, l0);
        add(out, outAt + HALF, h0);
    }
}
