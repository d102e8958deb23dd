package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.WIDTH;

import dev.hyaline.engine.internal.kernel.PackedMatrix;
import jdk.incubator.vector.FloatVector;

/**
 * Matrix products in register tiles: some rows by two vectors of columns, whose accumulators stay in registers along the whole of {@code k}. The tiles are
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
            int panelColumns = w.columns(p);
            for (int part = 0; part < panelColumns; part += 2 * WIDTH) {
                columns(
                        out,
                        outAt + p * PANEL + part,
                        outStride,
                        in,
                        inAt,
                        inStride,
                        w.data(),
                        w.at(p) + part,
                        w.k(),
                        w.bias(),
                        p * PANEL + part,
                        panelColumns - part,
                        rows);
            }
        }
    }

    /** All rows of two vectors' columns, so that the panel stays in the cache. */
    private static void columns(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k,
            float[] bias,
            int biasAt,
            int columns,
            int rows) {
        int row = 0;
        while (row < rows) {
            int o = outAt + row * outStride;
            int i = inAt + row * inStride;
            int left = rows - row;
            if (LARGEST == 12 && left >= 12) {
                tile12(out, o, outStride, in, i, inStride, panel, panelAt, k, bias, biasAt, columns);
                row += 12;
            } else if (LARGEST == 12 && left >= 8) {
                tile8(out, o, outStride, in, i, inStride, panel, panelAt, k, bias, biasAt, columns);
                row += 8;
            } else if (left >= 6) {
                tile6(out, o, outStride, in, i, inStride, panel, panelAt, k, bias, biasAt, columns);
                row += 6;
            } else if (left >= 4) {
                tile4(out, o, outStride, in, i, inStride, panel, panelAt, k, bias, biasAt, columns);
                row += 4;
            } else if (left >= 2) {
                tile2(out, o, outStride, in, i, inStride, panel, panelAt, k, bias, biasAt, columns);
                row += 2;
            } else {
                tile1(out, o, outStride, in, i, inStride, panel, panelAt, k, bias, biasAt, columns);
                row += 1;
            }
        }
    }

    private static void store(float[] out, int at, int columns, FloatVector low, FloatVector high) {
        if (columns >= 2 * WIDTH) {
            low.intoArray(out, at);
            high.intoArray(out, at + WIDTH);
        } else {
            low.intoArray(out, at, SPECIES.indexInRange(0, columns));
            if (columns > WIDTH) {
                high.intoArray(out, at + WIDTH, SPECIES.indexInRange(WIDTH, columns));
            }
        }
    }

    private static void tile12(
            float[] out, int outAt, int outStride, float[] in, int inAt, int inStride, float[] panel, int panelAt, int k, float[] bias, int biasAt, int columns) {
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
        FloatVector low = FloatVector.fromArray(SPECIES, bias, biasAt);
        FloatVector high = FloatVector.fromArray(SPECIES, bias, biasAt + WIDTH);
        store(out, outAt, columns, l0.add(low), h0.add(high));
        store(out, outAt + outStride, columns, l1.add(low), h1.add(high));
        store(out, outAt + 2 * outStride, columns, l2.add(low), h2.add(high));
        store(out, outAt + 3 * outStride, columns, l3.add(low), h3.add(high));
        store(out, outAt + 4 * outStride, columns, l4.add(low), h4.add(high));
        store(out, outAt + 5 * outStride, columns, l5.add(low), h5.add(high));
        store(out, outAt + 6 * outStride, columns, l6.add(low), h6.add(high));
        store(out, outAt + 7 * outStride, columns, l7.add(low), h7.add(high));
        store(out, outAt + 8 * outStride, columns, l8.add(low), h8.add(high));
        store(out, outAt + 9 * outStride, columns, l9.add(low), h9.add(high));
        store(out, outAt + 10 * outStride, columns, l10.add(low), h10.add(high));
        store(out, outAt + 11 * outStride, columns, l11.add(low), h11.add(high));
    }

    private static void tile8(
            float[] out, int outAt, int outStride, float[] in, int inAt, int inStride, float[] panel, int panelAt, int k, float[] bias, int biasAt, int columns) {
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
        FloatVector low = FloatVector.fromArray(SPECIES, bias, biasAt);
        FloatVector high = FloatVector.fromArray(SPECIES, bias, biasAt + WIDTH);
        store(out, outAt, columns, l0.add(low), h0.add(high));
        store(out, outAt + outStride, columns, l1.add(low), h1.add(high));
        store(out, outAt + 2 * outStride, columns, l2.add(low), h2.add(high));
        store(out, outAt + 3 * outStride, columns, l3.add(low), h3.add(high));
        store(out, outAt + 4 * outStride, columns, l4.add(low), h4.add(high));
        store(out, outAt + 5 * outStride, columns, l5.add(low), h5.add(high));
        store(out, outAt + 6 * outStride, columns, l6.add(low), h6.add(high));
        store(out, outAt + 7 * outStride, columns, l7.add(low), h7.add(high));
    }

    private static void tile6(
            float[] out, int outAt, int outStride, float[] in, int inAt, int inStride, float[] panel, int panelAt, int k, float[] bias, int biasAt, int columns) {
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
        FloatVector low = FloatVector.fromArray(SPECIES, bias, biasAt);
        FloatVector high = FloatVector.fromArray(SPECIES, bias, biasAt + WIDTH);
        store(out, outAt, columns, l0.add(low), h0.add(high));
        store(out, outAt + outStride, columns, l1.add(low), h1.add(high));
        store(out, outAt + 2 * outStride, columns, l2.add(low), h2.add(high));
        store(out, outAt + 3 * outStride, columns, l3.add(low), h3.add(high));
        store(out, outAt + 4 * outStride, columns, l4.add(low), h4.add(high));
        store(out, outAt + 5 * outStride, columns, l5.add(low), h5.add(high));
    }

    private static void tile4(
            float[] out, int outAt, int outStride, float[] in, int inAt, int inStride, float[] panel, int panelAt, int k, float[] bias, int biasAt, int columns) {
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
        FloatVector low = FloatVector.fromArray(SPECIES, bias, biasAt);
        FloatVector high = FloatVector.fromArray(SPECIES, bias, biasAt + WIDTH);
        store(out, outAt, columns, l0.add(low), h0.add(high));
        store(out, outAt + outStride, columns, l1.add(low), h1.add(high));
        store(out, outAt + 2 * outStride, columns, l2.add(low), h2.add(high));
        store(out, outAt + 3 * outStride, columns, l3.add(low), h3.add(high));
    }

    private static void tile2(
            float[] out, int outAt, int outStride, float[] in, int inAt, int inStride, float[] panel, int panelAt, int k, float[] bias, int biasAt, int columns) {
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
        FloatVector low = FloatVector.fromArray(SPECIES, bias, biasAt);
        FloatVector high = FloatVector.fromArray(SPECIES, bias, biasAt + WIDTH);
        store(out, outAt, columns, l0.add(low), h0.add(high));
        store(out, outAt + outStride, columns, l1.add(low), h1.add(high));
    }

    private static void tile1(
            float[] out, int outAt, int outStride, float[] in, int inAt, int inStride, float[] panel, int panelAt, int k, float[] bias, int biasAt, int columns) {
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
        FloatVector low = FloatVector.fromArray(SPECIES, bias, biasAt);
        FloatVector high = FloatVector.fromArray(SPECIES, bias, biasAt + WIDTH);
        store(out, outAt, columns, l0.add(low), h0.add(high));
    }
}
