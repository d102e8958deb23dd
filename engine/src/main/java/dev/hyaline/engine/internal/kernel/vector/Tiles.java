package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.Kernels.K_BLOCK;
import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.WIDTH;

import dev.hyaline.engine.internal.kernel.PackedMatrix;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Matrix products in register tiles: some rows by two vectors of columns, whose accumulators stay in registers along a chain. The tiles are written out because
 * C2 keeps accumulators in registers only as local variables of straight-line code, and only if everything they are passed to is inlined.
 */
final class Tiles {
    /** Rows of the largest tile: its accumulators fill the 32 registers of AVX-512, or the 16 of AVX2. */
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
                int columns = w.columns(p) - part;
                int at = outAt + p * PANEL + part;
                for (int row = 0; row < rows; row++) {
                    System.arraycopy(
                            w.bias(), p * PANEL + part, out, at + row * outStride, Math.min(columns, 2 * WIDTH));
                }
                // A block of the panel stays in the first-level cache while the rows go by.
                for (int block = 0; block < w.k(); block += K_BLOCK) {
                    int k = Math.min(K_BLOCK, w.k() - block);
                    int panelAt = w.at(p) + block * PANEL + part;
                    if (columns >= 2 * WIDTH) {
                        rows(out, at, outStride, in, inAt + block, inStride, w.data(), panelAt, k, rows);
                    } else {
                        tailRows(out, at, outStride, in, inAt + block, inStride, w.data(), panelAt, k, rows, columns);
                    }
                }
            }
        }
    }

    /** Adds one chain to two whole vectors of columns of each row. */
    private static void rows(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            int rows) {
        int row = 0;
        while (row < rows) {
            int o = outAt + row * outStride;
            int i = inAt + row * inStride;
            int left = rows - row;
            if (LARGEST == 12 && left >= 12) {
                tile12(out, o, outStride, in, i, inStride, panel, panelAt, k);
                row += 12;
            } else if (LARGEST == 12 && left >= 8) {
                tile8(out, o, outStride, in, i, inStride, panel, panelAt, k);
                row += 8;
            } else if (left >= 6) {
                tile6(out, o, outStride, in, i, inStride, panel, panelAt, k);
                row += 6;
            } else if (left >= 4) {
                tile4(out, o, outStride, in, i, inStride, panel, panelAt, k);
                row += 4;
            } else if (left >= 2) {
                tile2(out, o, outStride, in, i, inStride, panel, panelAt, k);
                row += 2;
            } else {
                tile1(out, o, in, i, panel, panelAt, k);
                row += 1;
            }
        }
    }

    /** The same where the matrix ends within the two vectors. The panel is padded, so only the output needs masks. */
    private static void tailRows(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            int rows,
            int columns) {
        VectorMask<Float> lows = SPECIES.indexInRange(0, columns);
        VectorMask<Float> highs = SPECIES.indexInRange(WIDTH, columns);
        int row = 0;
        for (; row <= rows - 4; row += 4) {
            tail4(
                    out,
                    outAt + row * outStride,
                    outStride,
                    in,
                    inAt + row * inStride,
                    inStride,
                    panel,
                    panelAt,
                    k,
                    lows,
                    highs);
        }
        for (; row < rows; row++) {
            tail1(out, outAt + row * outStride, in, inAt + row * inStride, panel, panelAt, k, lows, highs);
        }
    }

    private static void add(float[] out, int at, FloatVector v) {
        FloatVector.fromArray(SPECIES, out, at).add(v).intoArray(out, at);
    }

    private static void add(float[] out, int at, FloatVector v, VectorMask<Float> mask) {
        FloatVector.fromArray(SPECIES, out, at, mask).add(v).intoArray(out, at, mask);
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
            int k) {
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
        add(out, outAt, l0);
        add(out, outAt + WIDTH, h0);
        add(out, outAt + outStride, l1);
        add(out, outAt + outStride + WIDTH, h1);
        add(out, outAt + 2 * outStride, l2);
        add(out, outAt + 2 * outStride + WIDTH, h2);
        add(out, outAt + 3 * outStride, l3);
        add(out, outAt + 3 * outStride + WIDTH, h3);
        add(out, outAt + 4 * outStride, l4);
        add(out, outAt + 4 * outStride + WIDTH, h4);
        add(out, outAt + 5 * outStride, l5);
        add(out, outAt + 5 * outStride + WIDTH, h5);
        add(out, outAt + 6 * outStride, l6);
        add(out, outAt + 6 * outStride + WIDTH, h6);
        add(out, outAt + 7 * outStride, l7);
        add(out, outAt + 7 * outStride + WIDTH, h7);
        add(out, outAt + 8 * outStride, l8);
        add(out, outAt + 8 * outStride + WIDTH, h8);
        add(out, outAt + 9 * outStride, l9);
        add(out, outAt + 9 * outStride + WIDTH, h9);
        add(out, outAt + 10 * outStride, l10);
        add(out, outAt + 10 * outStride + WIDTH, h10);
        add(out, outAt + 11 * outStride, l11);
        add(out, outAt + 11 * outStride + WIDTH, h11);
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
            int k) {
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
        add(out, outAt, l0);
        add(out, outAt + WIDTH, h0);
        add(out, outAt + outStride, l1);
        add(out, outAt + outStride + WIDTH, h1);
        add(out, outAt + 2 * outStride, l2);
        add(out, outAt + 2 * outStride + WIDTH, h2);
        add(out, outAt + 3 * outStride, l3);
        add(out, outAt + 3 * outStride + WIDTH, h3);
        add(out, outAt + 4 * outStride, l4);
        add(out, outAt + 4 * outStride + WIDTH, h4);
        add(out, outAt + 5 * outStride, l5);
        add(out, outAt + 5 * outStride + WIDTH, h5);
        add(out, outAt + 6 * outStride, l6);
        add(out, outAt + 6 * outStride + WIDTH, h6);
        add(out, outAt + 7 * outStride, l7);
        add(out, outAt + 7 * outStride + WIDTH, h7);
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
            int k) {
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
        add(out, outAt, l0);
        add(out, outAt + WIDTH, h0);
        add(out, outAt + outStride, l1);
        add(out, outAt + outStride + WIDTH, h1);
        add(out, outAt + 2 * outStride, l2);
        add(out, outAt + 2 * outStride + WIDTH, h2);
        add(out, outAt + 3 * outStride, l3);
        add(out, outAt + 3 * outStride + WIDTH, h3);
        add(out, outAt + 4 * outStride, l4);
        add(out, outAt + 4 * outStride + WIDTH, h4);
        add(out, outAt + 5 * outStride, l5);
        add(out, outAt + 5 * outStride + WIDTH, h5);
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
            int k) {
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
        add(out, outAt, l0);
        add(out, outAt + WIDTH, h0);
        add(out, outAt + outStride, l1);
        add(out, outAt + outStride + WIDTH, h1);
        add(out, outAt + 2 * outStride, l2);
        add(out, outAt + 2 * outStride + WIDTH, h2);
        add(out, outAt + 3 * outStride, l3);
        add(out, outAt + 3 * outStride + WIDTH, h3);
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
        add(out, outAt, l0);
        add(out, outAt + WIDTH, h0);
        add(out, outAt + outStride, l1);
        add(out, outAt + outStride + WIDTH, h1);
    }

    private static void tile1(float[] out, int outAt, float[] in, int inAt, float[] panel, int panelAt, int k) {
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
        add(out, outAt, l0);
        add(out, outAt + WIDTH, h0);
    }

    private static void tail4(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            VectorMask<Float> lows,
            VectorMask<Float> highs) {
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
        add(out, outAt, l0, lows);
        add(out, outAt + WIDTH, h0, highs);
        add(out, outAt + outStride, l1, lows);
        add(out, outAt + outStride + WIDTH, h1, highs);
        add(out, outAt + 2 * outStride, l2, lows);
        add(out, outAt + 2 * outStride + WIDTH, h2, highs);
        add(out, outAt + 3 * outStride, l3, lows);
        add(out, outAt + 3 * outStride + WIDTH, h3, highs);
    }

    private static void tail1(
            float[] out,
            int outAt,
            float[] in,
            int inAt,
            float[] panel,
            int panelAt,
            int k,
            VectorMask<Float> lows,
            VectorMask<Float> highs) {
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
        add(out, outAt, l0, lows);
        add(out, outAt + WIDTH, h0, highs);
    }
}
