package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.Kernels.K_BLOCK;
import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.WIDTH;

import dev.hyaline.engine.internal.kernel.PackedMatrix;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Matrix products in register tiles: some rows by two vectors of columns, whose accumulators stay in registers along a chain. The tiles are
 * written out because C2 keeps accumulators in registers only as local variables of straight-line code.
 */
final class Tiles {
    /** Rows of the largest tile: 24 accumulators fill the 32 registers of AVX-512, 12 the 16 of AVX2 and NEON's 32 are served by either. */
    private static final int LARGEST = WIDTH == 16 ? 12 : 6;

    private Tiles() {}

    static void product(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            PackedMatrix w,
            int rows,
            int firstPanel,
            int endPanel) {
        for (int p = firstPanel; p < endPanel; p++) {
            for (int part = 0; part < w.columns(p); part += 2 * WIDTH) {
                columns(out, outAt, outStride, in, inAt, inStride, w, rows, p, part);
            }
        }
    }

    /** All rows of two vectors' columns. A block of the panel stays in the first-level cache while the rows go by. */
    private static void columns(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            PackedMatrix w,
            int rows,
            int panel,
            int part) {
        int columns = w.columns(panel) - part;
        int at = outAt + panel * PANEL + part;
        for (int block = 0; block < w.k(); block += K_BLOCK) {
            int k = Math.min(K_BLOCK, w.k() - block);
            int panelAt = w.at(panel) + block * PANEL + part;
            int row = 0;
            while (row < rows) {
                int o = at + row * outStride;
                int i = inAt + row * inStride + block;
                row += tile(rows - row, out, o, outStride, in, i, inStride, w.data(), panelAt, k, columns, block > 0);
            }
        }
        addBias(out, at, outStride, rows, w.bias(), panel * PANEL + part, columns);
    }

    /** The largest tile that fits in the rows left; returns its rows. */
    private static int tile(
            int rows,
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            int columns,
            boolean add) {
        if (LARGEST == 12 && rows >= 12) {
            tile12(out, outAt, outStride, in, inAt, inStride, panel, panelAt, k, columns, add);
            return 12;
        }
        if (LARGEST == 12 && rows >= 8) {
            tile8(out, outAt, outStride, in, inAt, inStride, panel, panelAt, k, columns, add);
            return 8;
        }
        if (rows >= 6) {
            tile6(out, outAt, outStride, in, inAt, inStride, panel, panelAt, k, columns, add);
            return 6;
        }
        if (rows >= 4) {
            tile4(out, outAt, outStride, in, inAt, inStride, panel, panelAt, k, columns, add);
            return 4;
        }
        if (rows >= 2) {
            tile2(out, outAt, outStride, in, inAt, inStride, panel, panelAt, k, columns, add);
            return 2;
        }
        tile1(out, outAt, in, inAt, panel, panelAt, k, columns, add);
        return 1;
    }

    private static void addBias(float[] out, int at, int outStride, int rows, float[] bias, int biasAt, int columns) {
        FloatVector low = FloatVector.fromArray(SPECIES, bias, biasAt);
        FloatVector high = FloatVector.fromArray(SPECIES, bias, biasAt + WIDTH);
        for (int row = 0; row < rows; row++) {
            store(out, at + row * outStride, columns, true, low, high);
        }
    }

    /** Stores two vectors of columns, or adds them to what is there. */
    private static void store(float[] out, int at, int columns, boolean add, FloatVector low, FloatVector high) {
        if (columns >= 2 * WIDTH) {
            FloatVector a = add ? FloatVector.fromArray(SPECIES, out, at).add(low) : low;
            FloatVector b =
                    add ? FloatVector.fromArray(SPECIES, out, at + WIDTH).add(high) : high;
            a.intoArray(out, at);
            b.intoArray(out, at + WIDTH);
        } else {
            storePart(out, at, columns, add, low);
            if (columns > WIDTH) {
                storePart(out, at + WIDTH, columns - WIDTH, add, high);
            }
        }
    }

    private static void storePart(float[] out, int at, int columns, boolean add, FloatVector v) {
        VectorMask<Float> present = SPECIES.indexInRange(0, columns);
        FloatVector sum = add ? FloatVector.fromArray(SPECIES, out, at, present).add(v) : v;
        sum.intoArray(out, at, present);
    }

    private static void tile12(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            int columns,
            boolean add) {
        int i0 = inAt;
        int i1 = i0 + inStride;
        int i2 = i1 + inStride;
        int i3 = i2 + inStride;
        int i4 = i3 + inStride;
        int i5 = i4 + inStride;
        int i6 = i5 + inStride;
        int i7 = i6 + inStride;
        int i8 = i7 + inStride;
        int i9 = i8 + inStride;
        int i10 = i9 + inStride;
        int i11 = i10 + inStride;
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        FloatVector l2 = FloatVector.zero(SPECIES);
        FloatVector h2 = FloatVector.zero(SPECIES);
        FloatVector l3 = FloatVector.zero(SPECIES);
        FloatVector h3 = FloatVector.zero(SPECIES);
        FloatVector l4 = FloatVector.zero(SPECIES);
        FloatVector h4 = FloatVector.zero(SPECIES);
        FloatVector l5 = FloatVector.zero(SPECIES);
        FloatVector h5 = FloatVector.zero(SPECIES);
        FloatVector l6 = FloatVector.zero(SPECIES);
        FloatVector h6 = FloatVector.zero(SPECIES);
        FloatVector l7 = FloatVector.zero(SPECIES);
        FloatVector h7 = FloatVector.zero(SPECIES);
        FloatVector l8 = FloatVector.zero(SPECIES);
        FloatVector h8 = FloatVector.zero(SPECIES);
        FloatVector l9 = FloatVector.zero(SPECIES);
        FloatVector h9 = FloatVector.zero(SPECIES);
        FloatVector l10 = FloatVector.zero(SPECIES);
        FloatVector h10 = FloatVector.zero(SPECIES);
        FloatVector l11 = FloatVector.zero(SPECIES);
        FloatVector h11 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + WIDTH);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[i0 + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, in[i2 + e]);
            l2 = x2.fma(low, l2);
            h2 = x2.fma(high, h2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, in[i3 + e]);
            l3 = x3.fma(low, l3);
            h3 = x3.fma(high, h3);
            FloatVector x4 = FloatVector.broadcast(SPECIES, in[i4 + e]);
            l4 = x4.fma(low, l4);
            h4 = x4.fma(high, h4);
            FloatVector x5 = FloatVector.broadcast(SPECIES, in[i5 + e]);
            l5 = x5.fma(low, l5);
            h5 = x5.fma(high, h5);
            FloatVector x6 = FloatVector.broadcast(SPECIES, in[i6 + e]);
            l6 = x6.fma(low, l6);
            h6 = x6.fma(high, h6);
            FloatVector x7 = FloatVector.broadcast(SPECIES, in[i7 + e]);
            l7 = x7.fma(low, l7);
            h7 = x7.fma(high, h7);
            FloatVector x8 = FloatVector.broadcast(SPECIES, in[i8 + e]);
            l8 = x8.fma(low, l8);
            h8 = x8.fma(high, h8);
            FloatVector x9 = FloatVector.broadcast(SPECIES, in[i9 + e]);
            l9 = x9.fma(low, l9);
            h9 = x9.fma(high, h9);
            FloatVector x10 = FloatVector.broadcast(SPECIES, in[i10 + e]);
            l10 = x10.fma(low, l10);
            h10 = x10.fma(high, h10);
            FloatVector x11 = FloatVector.broadcast(SPECIES, in[i11 + e]);
            l11 = x11.fma(low, l11);
            h11 = x11.fma(high, h11);
        }
        store(out, outAt, columns, add, l0, h0);
        store(out, outAt + outStride, columns, add, l1, h1);
        store(out, outAt + 2 * outStride, columns, add, l2, h2);
        store(out, outAt + 3 * outStride, columns, add, l3, h3);
        store(out, outAt + 4 * outStride, columns, add, l4, h4);
        store(out, outAt + 5 * outStride, columns, add, l5, h5);
        store(out, outAt + 6 * outStride, columns, add, l6, h6);
        store(out, outAt + 7 * outStride, columns, add, l7, h7);
        store(out, outAt + 8 * outStride, columns, add, l8, h8);
        store(out, outAt + 9 * outStride, columns, add, l9, h9);
        store(out, outAt + 10 * outStride, columns, add, l10, h10);
        store(out, outAt + 11 * outStride, columns, add, l11, h11);
    }

    private static void tile8(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            int columns,
            boolean add) {
        int i0 = inAt;
        int i1 = i0 + inStride;
        int i2 = i1 + inStride;
        int i3 = i2 + inStride;
        int i4 = i3 + inStride;
        int i5 = i4 + inStride;
        int i6 = i5 + inStride;
        int i7 = i6 + inStride;
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        FloatVector l2 = FloatVector.zero(SPECIES);
        FloatVector h2 = FloatVector.zero(SPECIES);
        FloatVector l3 = FloatVector.zero(SPECIES);
        FloatVector h3 = FloatVector.zero(SPECIES);
        FloatVector l4 = FloatVector.zero(SPECIES);
        FloatVector h4 = FloatVector.zero(SPECIES);
        FloatVector l5 = FloatVector.zero(SPECIES);
        FloatVector h5 = FloatVector.zero(SPECIES);
        FloatVector l6 = FloatVector.zero(SPECIES);
        FloatVector h6 = FloatVector.zero(SPECIES);
        FloatVector l7 = FloatVector.zero(SPECIES);
        FloatVector h7 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + WIDTH);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[i0 + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, in[i2 + e]);
            l2 = x2.fma(low, l2);
            h2 = x2.fma(high, h2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, in[i3 + e]);
            l3 = x3.fma(low, l3);
            h3 = x3.fma(high, h3);
            FloatVector x4 = FloatVector.broadcast(SPECIES, in[i4 + e]);
            l4 = x4.fma(low, l4);
            h4 = x4.fma(high, h4);
            FloatVector x5 = FloatVector.broadcast(SPECIES, in[i5 + e]);
            l5 = x5.fma(low, l5);
            h5 = x5.fma(high, h5);
            FloatVector x6 = FloatVector.broadcast(SPECIES, in[i6 + e]);
            l6 = x6.fma(low, l6);
            h6 = x6.fma(high, h6);
            FloatVector x7 = FloatVector.broadcast(SPECIES, in[i7 + e]);
            l7 = x7.fma(low, l7);
            h7 = x7.fma(high, h7);
        }
        store(out, outAt, columns, add, l0, h0);
        store(out, outAt + outStride, columns, add, l1, h1);
        store(out, outAt + 2 * outStride, columns, add, l2, h2);
        store(out, outAt + 3 * outStride, columns, add, l3, h3);
        store(out, outAt + 4 * outStride, columns, add, l4, h4);
        store(out, outAt + 5 * outStride, columns, add, l5, h5);
        store(out, outAt + 6 * outStride, columns, add, l6, h6);
        store(out, outAt + 7 * outStride, columns, add, l7, h7);
    }

    private static void tile6(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            int columns,
            boolean add) {
        int i0 = inAt;
        int i1 = i0 + inStride;
        int i2 = i1 + inStride;
        int i3 = i2 + inStride;
        int i4 = i3 + inStride;
        int i5 = i4 + inStride;
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        FloatVector l2 = FloatVector.zero(SPECIES);
        FloatVector h2 = FloatVector.zero(SPECIES);
        FloatVector l3 = FloatVector.zero(SPECIES);
        FloatVector h3 = FloatVector.zero(SPECIES);
        FloatVector l4 = FloatVector.zero(SPECIES);
        FloatVector h4 = FloatVector.zero(SPECIES);
        FloatVector l5 = FloatVector.zero(SPECIES);
        FloatVector h5 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + WIDTH);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[i0 + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, in[i2 + e]);
            l2 = x2.fma(low, l2);
            h2 = x2.fma(high, h2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, in[i3 + e]);
            l3 = x3.fma(low, l3);
            h3 = x3.fma(high, h3);
            FloatVector x4 = FloatVector.broadcast(SPECIES, in[i4 + e]);
            l4 = x4.fma(low, l4);
            h4 = x4.fma(high, h4);
            FloatVector x5 = FloatVector.broadcast(SPECIES, in[i5 + e]);
            l5 = x5.fma(low, l5);
            h5 = x5.fma(high, h5);
        }
        store(out, outAt, columns, add, l0, h0);
        store(out, outAt + outStride, columns, add, l1, h1);
        store(out, outAt + 2 * outStride, columns, add, l2, h2);
        store(out, outAt + 3 * outStride, columns, add, l3, h3);
        store(out, outAt + 4 * outStride, columns, add, l4, h4);
        store(out, outAt + 5 * outStride, columns, add, l5, h5);
    }

    private static void tile4(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            int columns,
            boolean add) {
        int i0 = inAt;
        int i1 = i0 + inStride;
        int i2 = i1 + inStride;
        int i3 = i2 + inStride;
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
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + WIDTH);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[i0 + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, in[i2 + e]);
            l2 = x2.fma(low, l2);
            h2 = x2.fma(high, h2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, in[i3 + e]);
            l3 = x3.fma(low, l3);
            h3 = x3.fma(high, h3);
        }
        store(out, outAt, columns, add, l0, h0);
        store(out, outAt + outStride, columns, add, l1, h1);
        store(out, outAt + 2 * outStride, columns, add, l2, h2);
        store(out, outAt + 3 * outStride, columns, add, l3, h3);
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
            int k,
            int columns,
            boolean add) {
        int i0 = inAt;
        int i1 = i0 + inStride;
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + WIDTH);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[i0 + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            l1 = x1.fma(low, l1);
            h1 = x1.fma(high, h1);
        }
        store(out, outAt, columns, add, l0, h0);
        store(out, outAt + outStride, columns, add, l1, h1);
    }

    private static void tile1(
            float[] out, int outAt, float[] in, int inAt, float[] panel, int panelAt, int k, int columns, boolean add) {
        int i0 = inAt;
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector low = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector high = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + WIDTH);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[i0 + e]);
            l0 = x0.fma(low, l0);
            h0 = x0.fma(high, h0);
        }
        store(out, outAt, columns, add, l0, h0);
    }
}
