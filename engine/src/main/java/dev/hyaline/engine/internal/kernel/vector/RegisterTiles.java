package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.PackedMatrix.HALF;
import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Register tiles: a few rows by a few vectors of columns, whose sums stay in registers along a chain and are then added
 * to the output. Vectors come in pairs, one from each half of a panel; the second pair of a wide tile lies
 * {@code panelNext} further on in the weights and {@code outNext} further on in the output.
 *
 * <p>The tiles are written out because C2 keeps sums in registers only as local variables of straight-line code, and
 * without helpers because C2 inlines none once a method has grown to 18,000 nodes, and boxes the vectors that it passes
 * to them.
 */
final class RegisterTiles {
    static final VectorSpecies<Integer> PAIRS = SPECIES.withLanes(int.class);

    private RegisterTiles() {}

    /** Six interleaved rows by four vectors: 24 sums, for machines with 32 registers. */
    static void tile6x4(
            float[] out,
            int outAt,
            int outStride,
            int outNext,
            float[] interleaved,
            int at,
            float[] panel,
            int panelAt,
            int panelNext,
            int k) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        FloatVector c0 = FloatVector.zero(SPECIES);
        FloatVector d0 = FloatVector.zero(SPECIES);
        FloatVector a1 = FloatVector.zero(SPECIES);
        FloatVector b1 = FloatVector.zero(SPECIES);
        FloatVector c1 = FloatVector.zero(SPECIES);
        FloatVector d1 = FloatVector.zero(SPECIES);
        FloatVector a2 = FloatVector.zero(SPECIES);
        FloatVector b2 = FloatVector.zero(SPECIES);
        FloatVector c2 = FloatVector.zero(SPECIES);
        FloatVector d2 = FloatVector.zero(SPECIES);
        FloatVector a3 = FloatVector.zero(SPECIES);
        FloatVector b3 = FloatVector.zero(SPECIES);
        FloatVector c3 = FloatVector.zero(SPECIES);
        FloatVector d3 = FloatVector.zero(SPECIES);
        FloatVector a4 = FloatVector.zero(SPECIES);
        FloatVector b4 = FloatVector.zero(SPECIES);
        FloatVector c4 = FloatVector.zero(SPECIES);
        FloatVector d4 = FloatVector.zero(SPECIES);
        FloatVector a5 = FloatVector.zero(SPECIES);
        FloatVector b5 = FloatVector.zero(SPECIES);
        FloatVector c5 = FloatVector.zero(SPECIES);
        FloatVector d5 = FloatVector.zero(SPECIES);
        int next = panelAt + panelNext;
        for (int e = 0; e < k; e++) {
            FloatVector wa = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector wb = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector wc = FloatVector.fromArray(SPECIES, panel, next + e * PANEL);
            FloatVector wd = FloatVector.fromArray(SPECIES, panel, next + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6]);
            a0 = x0.fma(wa, a0);
            b0 = x0.fma(wb, b0);
            c0 = x0.fma(wc, c0);
            d0 = x0.fma(wd, d0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 1]);
            a1 = x1.fma(wa, a1);
            b1 = x1.fma(wb, b1);
            c1 = x1.fma(wc, c1);
            d1 = x1.fma(wd, d1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 2]);
            a2 = x2.fma(wa, a2);
            b2 = x2.fma(wb, b2);
            c2 = x2.fma(wc, c2);
            d2 = x2.fma(wd, d2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 3]);
            a3 = x3.fma(wa, a3);
            b3 = x3.fma(wb, b3);
            c3 = x3.fma(wc, c3);
            d3 = x3.fma(wd, d3);
            FloatVector x4 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 4]);
            a4 = x4.fma(wa, a4);
            b4 = x4.fma(wb, b4);
            c4 = x4.fma(wc, c4);
            d4 = x4.fma(wd, d4);
            FloatVector x5 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 5]);
            a5 = x5.fma(wa, a5);
            b5 = x5.fma(wb, b5);
            c5 = x5.fma(wc, c5);
            d5 = x5.fma(wd, d5);
        }
        int to = outAt;
        FloatVector.fromArray(SPECIES, out, to).add(a0).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b0).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c0).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d0).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a1).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b1).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c1).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d1).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a2).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b2).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c2).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d2).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a3).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b3).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c3).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d3).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a4).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b4).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c4).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d4).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a5).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b5).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c5).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d5).intoArray(out, to + outNext + HALF);
    }

    /** Six interleaved rows by two vectors: 12 sums, for machines with 16 registers. */
    static void tile6x2(
            float[] out, int outAt, int outStride, float[] interleaved, int at, float[] panel, int panelAt, int k) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        FloatVector a1 = FloatVector.zero(SPECIES);
        FloatVector b1 = FloatVector.zero(SPECIES);
        FloatVector a2 = FloatVector.zero(SPECIES);
        FloatVector b2 = FloatVector.zero(SPECIES);
        FloatVector a3 = FloatVector.zero(SPECIES);
        FloatVector b3 = FloatVector.zero(SPECIES);
        FloatVector a4 = FloatVector.zero(SPECIES);
        FloatVector b4 = FloatVector.zero(SPECIES);
        FloatVector a5 = FloatVector.zero(SPECIES);
        FloatVector b5 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector wa = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector wb = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6]);
            a0 = x0.fma(wa, a0);
            b0 = x0.fma(wb, b0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 1]);
            a1 = x1.fma(wa, a1);
            b1 = x1.fma(wb, b1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 2]);
            a2 = x2.fma(wa, a2);
            b2 = x2.fma(wb, b2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 3]);
            a3 = x3.fma(wa, a3);
            b3 = x3.fma(wb, b3);
            FloatVector x4 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 4]);
            a4 = x4.fma(wa, a4);
            b4 = x4.fma(wb, b4);
            FloatVector x5 = FloatVector.broadcast(SPECIES, interleaved[at + e * 6 + 5]);
            a5 = x5.fma(wa, a5);
            b5 = x5.fma(wb, b5);
        }
        int to = outAt;
        FloatVector.fromArray(SPECIES, out, to).add(a0).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b0).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a1).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b1).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a2).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b2).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a3).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b3).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a4).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b4).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a5).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b5).intoArray(out, to + HALF);
    }

    /** Four interleaved rows by two vectors. */
    static void tile4x2(
            float[] out, int outAt, int outStride, float[] interleaved, int at, float[] panel, int panelAt, int k) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        FloatVector a1 = FloatVector.zero(SPECIES);
        FloatVector b1 = FloatVector.zero(SPECIES);
        FloatVector a2 = FloatVector.zero(SPECIES);
        FloatVector b2 = FloatVector.zero(SPECIES);
        FloatVector a3 = FloatVector.zero(SPECIES);
        FloatVector b3 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector wa = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector wb = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, interleaved[at + e * 4]);
            a0 = x0.fma(wa, a0);
            b0 = x0.fma(wb, b0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, interleaved[at + e * 4 + 1]);
            a1 = x1.fma(wa, a1);
            b1 = x1.fma(wb, b1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, interleaved[at + e * 4 + 2]);
            a2 = x2.fma(wa, a2);
            b2 = x2.fma(wb, b2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, interleaved[at + e * 4 + 3]);
            a3 = x3.fma(wa, a3);
            b3 = x3.fma(wb, b3);
        }
        int to = outAt;
        FloatVector.fromArray(SPECIES, out, to).add(a0).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b0).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a1).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b1).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a2).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b2).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a3).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b3).intoArray(out, to + HALF);
    }

    /** Four rows as they lie by four vectors, for what six rows leave over. */
    static void rows4x4(
            float[] out,
            int outAt,
            int outStride,
            int outNext,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int panelNext,
            int k) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        FloatVector c0 = FloatVector.zero(SPECIES);
        FloatVector d0 = FloatVector.zero(SPECIES);
        FloatVector a1 = FloatVector.zero(SPECIES);
        FloatVector b1 = FloatVector.zero(SPECIES);
        FloatVector c1 = FloatVector.zero(SPECIES);
        FloatVector d1 = FloatVector.zero(SPECIES);
        FloatVector a2 = FloatVector.zero(SPECIES);
        FloatVector b2 = FloatVector.zero(SPECIES);
        FloatVector c2 = FloatVector.zero(SPECIES);
        FloatVector d2 = FloatVector.zero(SPECIES);
        FloatVector a3 = FloatVector.zero(SPECIES);
        FloatVector b3 = FloatVector.zero(SPECIES);
        FloatVector c3 = FloatVector.zero(SPECIES);
        FloatVector d3 = FloatVector.zero(SPECIES);
        int i1 = inAt + inStride;
        int i2 = i1 + inStride;
        int i3 = i2 + inStride;
        int next = panelAt + panelNext;
        for (int e = 0; e < k; e++) {
            FloatVector wa = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector wb = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector wc = FloatVector.fromArray(SPECIES, panel, next + e * PANEL);
            FloatVector wd = FloatVector.fromArray(SPECIES, panel, next + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[inAt + e]);
            a0 = x0.fma(wa, a0);
            b0 = x0.fma(wb, b0);
            c0 = x0.fma(wc, c0);
            d0 = x0.fma(wd, d0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            a1 = x1.fma(wa, a1);
            b1 = x1.fma(wb, b1);
            c1 = x1.fma(wc, c1);
            d1 = x1.fma(wd, d1);
            FloatVector x2 = FloatVector.broadcast(SPECIES, in[i2 + e]);
            a2 = x2.fma(wa, a2);
            b2 = x2.fma(wb, b2);
            c2 = x2.fma(wc, c2);
            d2 = x2.fma(wd, d2);
            FloatVector x3 = FloatVector.broadcast(SPECIES, in[i3 + e]);
            a3 = x3.fma(wa, a3);
            b3 = x3.fma(wb, b3);
            c3 = x3.fma(wc, c3);
            d3 = x3.fma(wd, d3);
        }
        int to = outAt;
        FloatVector.fromArray(SPECIES, out, to).add(a0).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b0).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c0).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d0).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a1).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b1).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c1).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d1).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a2).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b2).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c2).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d2).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a3).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b3).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c3).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d3).intoArray(out, to + outNext + HALF);
    }

    /** Two rows as they lie by four vectors. */
    static void rows2x4(
            float[] out,
            int outAt,
            int outStride,
            int outNext,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int panelNext,
            int k) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        FloatVector c0 = FloatVector.zero(SPECIES);
        FloatVector d0 = FloatVector.zero(SPECIES);
        FloatVector a1 = FloatVector.zero(SPECIES);
        FloatVector b1 = FloatVector.zero(SPECIES);
        FloatVector c1 = FloatVector.zero(SPECIES);
        FloatVector d1 = FloatVector.zero(SPECIES);
        int i1 = inAt + inStride;
        int next = panelAt + panelNext;
        for (int e = 0; e < k; e++) {
            FloatVector wa = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector wb = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector wc = FloatVector.fromArray(SPECIES, panel, next + e * PANEL);
            FloatVector wd = FloatVector.fromArray(SPECIES, panel, next + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[inAt + e]);
            a0 = x0.fma(wa, a0);
            b0 = x0.fma(wb, b0);
            c0 = x0.fma(wc, c0);
            d0 = x0.fma(wd, d0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            a1 = x1.fma(wa, a1);
            b1 = x1.fma(wb, b1);
            c1 = x1.fma(wc, c1);
            d1 = x1.fma(wd, d1);
        }
        int to = outAt;
        FloatVector.fromArray(SPECIES, out, to).add(a0).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b0).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c0).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d0).intoArray(out, to + outNext + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a1).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b1).intoArray(out, to + HALF);
        FloatVector.fromArray(SPECIES, out, to + outNext).add(c1).intoArray(out, to + outNext);
        FloatVector.fromArray(SPECIES, out, to + outNext + HALF).add(d1).intoArray(out, to + outNext + HALF);
    }

    /** Two rows as they lie by two vectors. */
    static void rows2x2(
            float[] out,
            int outAt,
            int outStride,
            float[] in,
            int inAt,
            int inStride,
            float[] panel,
            int panelAt,
            int k) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        FloatVector a1 = FloatVector.zero(SPECIES);
        FloatVector b1 = FloatVector.zero(SPECIES);
        int i1 = inAt + inStride;
        for (int e = 0; e < k; e++) {
            FloatVector wa = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector wb = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[inAt + e]);
            a0 = x0.fma(wa, a0);
            b0 = x0.fma(wb, b0);
            FloatVector x1 = FloatVector.broadcast(SPECIES, in[i1 + e]);
            a1 = x1.fma(wa, a1);
            b1 = x1.fma(wb, b1);
        }
        int to = outAt;
        FloatVector.fromArray(SPECIES, out, to).add(a0).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b0).intoArray(out, to + HALF);
        to += outStride;
        FloatVector.fromArray(SPECIES, out, to).add(a1).intoArray(out, to);
        FloatVector.fromArray(SPECIES, out, to + HALF).add(b1).intoArray(out, to + HALF);
    }

    /** One row by two vectors. */
    static void row1x2(float[] out, int outAt, float[] in, int inAt, float[] panel, int panelAt, int k) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector b0 = FloatVector.zero(SPECIES);
        for (int e = 0; e < k; e++) {
            FloatVector wa = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL);
            FloatVector wb = FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF);
            FloatVector x0 = FloatVector.broadcast(SPECIES, in[inAt + e]);
            a0 = x0.fma(wa, a0);
            b0 = x0.fma(wb, b0);
        }
        FloatVector.fromArray(SPECIES, out, outAt).add(a0).intoArray(out, outAt);
        FloatVector.fromArray(SPECIES, out, outAt + HALF).add(b0).intoArray(out, outAt + HALF);
    }

    static FloatVector lowerHalves(IntVector pair) {
        return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    static FloatVector upperHalves(IntVector pair) {
        return pair.and(0xFFFF0000).reinterpretAsFloats();
    }

    /**
     * One row by eight vectors, of four panels. One row alone is bound by memory, and a processor reads several streams
     * at once faster than one.
     */
    static void row1x8(float[] out, int outAt, float[] in, int inAt, float[] panel, int panelAt, int panelNext, int k) {
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        FloatVector l2 = FloatVector.zero(SPECIES);
        FloatVector h2 = FloatVector.zero(SPECIES);
        FloatVector l3 = FloatVector.zero(SPECIES);
        FloatVector h3 = FloatVector.zero(SPECIES);
        int p1 = panelAt + panelNext;
        int p2 = p1 + panelNext;
        int p3 = p2 + panelNext;
        for (int e = 0; e < k; e++) {
            FloatVector x = FloatVector.broadcast(SPECIES, in[inAt + e]);
            l0 = x.fma(FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL), l0);
            h0 = x.fma(FloatVector.fromArray(SPECIES, panel, panelAt + e * PANEL + HALF), h0);
            l1 = x.fma(FloatVector.fromArray(SPECIES, panel, p1 + e * PANEL), l1);
            h1 = x.fma(FloatVector.fromArray(SPECIES, panel, p1 + e * PANEL + HALF), h1);
            l2 = x.fma(FloatVector.fromArray(SPECIES, panel, p2 + e * PANEL), l2);
            h2 = x.fma(FloatVector.fromArray(SPECIES, panel, p2 + e * PANEL + HALF), h2);
            l3 = x.fma(FloatVector.fromArray(SPECIES, panel, p3 + e * PANEL), l3);
            h3 = x.fma(FloatVector.fromArray(SPECIES, panel, p3 + e * PANEL + HALF), h3);
        }
        FloatVector.fromArray(SPECIES, out, outAt).add(l0).intoArray(out, outAt);
        FloatVector.fromArray(SPECIES, out, outAt + HALF).add(h0).intoArray(out, outAt + HALF);
        FloatVector.fromArray(SPECIES, out, outAt + PANEL).add(l1).intoArray(out, outAt + PANEL);
        FloatVector.fromArray(SPECIES, out, outAt + PANEL + HALF).add(h1).intoArray(out, outAt + PANEL + HALF);
        FloatVector.fromArray(SPECIES, out, outAt + 2 * PANEL).add(l2).intoArray(out, outAt + 2 * PANEL);
        FloatVector.fromArray(SPECIES, out, outAt + 2 * PANEL + HALF).add(h2).intoArray(out, outAt + 2 * PANEL + HALF);
        FloatVector.fromArray(SPECIES, out, outAt + 3 * PANEL).add(l3).intoArray(out, outAt + 3 * PANEL);
        FloatVector.fromArray(SPECIES, out, outAt + 3 * PANEL + HALF).add(h3).intoArray(out, outAt + 3 * PANEL + HALF);
    }

    /** {@link #row1x8} of weights that it widens in its registers. */
    static void row1x8OfBfloat16(
            float[] out, int outAt, float[] in, int inAt, int[] pairs, int pairsAt, int pairsNext, int k) {
        FloatVector l0 = FloatVector.zero(SPECIES);
        FloatVector h0 = FloatVector.zero(SPECIES);
        FloatVector l1 = FloatVector.zero(SPECIES);
        FloatVector h1 = FloatVector.zero(SPECIES);
        FloatVector l2 = FloatVector.zero(SPECIES);
        FloatVector h2 = FloatVector.zero(SPECIES);
        FloatVector l3 = FloatVector.zero(SPECIES);
        FloatVector h3 = FloatVector.zero(SPECIES);
        int p1 = pairsAt + pairsNext;
        int p2 = p1 + pairsNext;
        int p3 = p2 + pairsNext;
        for (int e = 0; e < k; e++) {
            FloatVector x = FloatVector.broadcast(SPECIES, in[inAt + e]);
            IntVector pair0 = IntVector.fromArray(PAIRS, pairs, pairsAt + e * HALF);
            l0 = x.fma(lowerHalves(pair0), l0);
            h0 = x.fma(upperHalves(pair0), h0);
            IntVector pair1 = IntVector.fromArray(PAIRS, pairs, p1 + e * HALF);
            l1 = x.fma(lowerHalves(pair1), l1);
            h1 = x.fma(upperHalves(pair1), h1);
            IntVector pair2 = IntVector.fromArray(PAIRS, pairs, p2 + e * HALF);
            l2 = x.fma(lowerHalves(pair2), l2);
            h2 = x.fma(upperHalves(pair2), h2);
            IntVector pair3 = IntVector.fromArray(PAIRS, pairs, p3 + e * HALF);
            l3 = x.fma(lowerHalves(pair3), l3);
            h3 = x.fma(upperHalves(pair3), h3);
        }
        FloatVector.fromArray(SPECIES, out, outAt).add(l0).intoArray(out, outAt);
        FloatVector.fromArray(SPECIES, out, outAt + HALF).add(h0).intoArray(out, outAt + HALF);
        FloatVector.fromArray(SPECIES, out, outAt + PANEL).add(l1).intoArray(out, outAt + PANEL);
        FloatVector.fromArray(SPECIES, out, outAt + PANEL + HALF).add(h1).intoArray(out, outAt + PANEL + HALF);
        FloatVector.fromArray(SPECIES, out, outAt + 2 * PANEL).add(l2).intoArray(out, outAt + 2 * PANEL);
        FloatVector.fromArray(SPECIES, out, outAt + 2 * PANEL + HALF).add(h2).intoArray(out, outAt + 2 * PANEL + HALF);
        FloatVector.fromArray(SPECIES, out, outAt + 3 * PANEL).add(l3).intoArray(out, outAt + 3 * PANEL);
        FloatVector.fromArray(SPECIES, out, outAt + 3 * PANEL + HALF).add(h3).intoArray(out, outAt + 3 * PANEL + HALF);
    }

    /**
     * One row alone is bound by memory, so it widens the weights in its registers. Four steps at a time: the fewer
     * instructions a byte takes, the more bytes are under way from memory.
     */
    static void row1x2OfBfloat16(float[] out, int outAt, float[] in, int inAt, int[] pairs, int pairsAt, int k) {
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
        FloatVector.fromArray(SPECIES, out, outAt).add(l0).intoArray(out, outAt);
        FloatVector.fromArray(SPECIES, out, outAt + HALF).add(h0).intoArray(out, outAt + HALF);
    }
}
