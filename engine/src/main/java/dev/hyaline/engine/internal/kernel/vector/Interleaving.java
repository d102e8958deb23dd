package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.WIDTH;

import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Interleaves the rows of a group. Four rows: first and third, second and fourth, then both. Six rows: in pairs of
 * neighbours, then the pairs, two floats at a time.
 */
final class Interleaving {
    private static final VectorShuffle<Float> LOW = VectorShuffle.fromOp(SPECIES, i -> i / 2);
    private static final VectorShuffle<Float> HIGH = VectorShuffle.fromOp(SPECIES, i -> (WIDTH + i) / 2);
    private static final VectorMask<Float> ODD = VectorMask.fromLong(SPECIES, 0xAAAA & (1 << WIDTH) - 1);

    // Where pairs of three vectors go in the first, second and third vector of their interleaving.
    private static final VectorShuffle<Float> THIRD_1 = third(0);
    private static final VectorShuffle<Float> THIRD_2 = third(1);
    private static final VectorShuffle<Float> THIRD_3 = third(2);
    private static final VectorMask<Float> FROM_B_1 = from(1, 0);
    private static final VectorMask<Float> FROM_B_2 = from(1, 1);
    private static final VectorMask<Float> FROM_B_3 = from(1, 2);
    private static final VectorMask<Float> FROM_C_1 = from(2, 0);
    private static final VectorMask<Float> FROM_C_2 = from(2, 1);
    private static final VectorMask<Float> FROM_C_3 = from(2, 2);

    private Interleaving() {}

    static void interleave(InputRows in, int firstGroup, int endGroup) {
        for (int block = 0; block < in.k(); block += Kernels.K_BLOCK) {
            int steps = Math.min(Kernels.K_BLOCK, in.k() - block);
            for (int group = firstGroup; group < endGroup; group++) {
                int to = in.interleavedAt(block, steps, group);
                int from = in.at(group * in.group()) + block;
                if (in.group() == 4) {
                    four(in.interleaved(), to, in.values(), from, in.stride(), steps);
                } else {
                    six(in.interleaved(), to, in.values(), from, in.stride(), steps);
                }
            }
        }
    }

    private static void four(float[] out, int to, float[] values, int from, int stride, int steps) {
        int b = from + stride;
        int c = b + stride;
        int d = c + stride;
        int e = 0;
        for (; e <= steps - WIDTH; e += WIDTH) {
            FloatVector va = FloatVector.fromArray(SPECIES, values, from + e);
            FloatVector vb = FloatVector.fromArray(SPECIES, values, b + e);
            FloatVector vc = FloatVector.fromArray(SPECIES, values, c + e);
            FloatVector vd = FloatVector.fromArray(SPECIES, values, d + e);
            FloatVector lowAc = low(va, vc);
            FloatVector lowBd = low(vb, vd);
            FloatVector highAc = high(va, vc);
            FloatVector highBd = high(vb, vd);
            int o = to + e * 4;
            low(lowAc, lowBd).intoArray(out, o);
            high(lowAc, lowBd).intoArray(out, o + WIDTH);
            low(highAc, highBd).intoArray(out, o + 2 * WIDTH);
            high(highAc, highBd).intoArray(out, o + 3 * WIDTH);
        }
        for (; e < steps; e++) {
            out[to + e * 4] = values[from + e];
            out[to + e * 4 + 1] = values[b + e];
            out[to + e * 4 + 2] = values[c + e];
            out[to + e * 4 + 3] = values[d + e];
        }
    }

    private static void six(float[] out, int to, float[] values, int from, int stride, int steps) {
        int b = from + stride;
        int c = b + stride;
        int d = c + stride;
        int e = d + stride;
        int f = e + stride;
        int i = 0;
        for (; i <= steps - WIDTH; i += WIDTH) {
            FloatVector va = FloatVector.fromArray(SPECIES, values, from + i);
            FloatVector vb = FloatVector.fromArray(SPECIES, values, b + i);
            FloatVector vc = FloatVector.fromArray(SPECIES, values, c + i);
            FloatVector vd = FloatVector.fromArray(SPECIES, values, d + i);
            FloatVector ve = FloatVector.fromArray(SPECIES, values, e + i);
            FloatVector vf = FloatVector.fromArray(SPECIES, values, f + i);
            int o = to + i * 6;
            three(out, o, low(va, vb), low(vc, vd), low(ve, vf));
            three(out, o + 3 * WIDTH, high(va, vb), high(vc, vd), high(ve, vf));
        }
        for (; i < steps; i++) {
            int o = to + i * 6;
            out[o] = values[from + i];
            out[o + 1] = values[b + i];
            out[o + 2] = values[c + i];
            out[o + 3] = values[d + i];
            out[o + 4] = values[e + i];
            out[o + 5] = values[f + i];
        }
    }

    /** {@code a[0], a[1], b[0], b[1], c[0], c[1], a[2], a[3], ...}. */
    private static void three(float[] out, int to, FloatVector a, FloatVector b, FloatVector c) {
        a.rearrange(THIRD_1)
                .blend(b.rearrange(THIRD_1), FROM_B_1)
                .blend(c.rearrange(THIRD_1), FROM_C_1)
                .intoArray(out, to);
        a.rearrange(THIRD_2)
                .blend(b.rearrange(THIRD_2), FROM_B_2)
                .blend(c.rearrange(THIRD_2), FROM_C_2)
                .intoArray(out, to + WIDTH);
        a.rearrange(THIRD_3)
                .blend(b.rearrange(THIRD_3), FROM_B_3)
                .blend(c.rearrange(THIRD_3), FROM_C_3)
                .intoArray(out, to + 2 * WIDTH);
    }

    private static VectorShuffle<Float> third(int part) {
        return VectorShuffle.fromOp(SPECIES, i -> (part * WIDTH + i) / 6 * 2 + i % 2);
    }

    /** The lanes that come from one of three vectors. */
    private static VectorMask<Float> from(int vector, int part) {
        boolean[] lanes = new boolean[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            lanes[i] = (part * WIDTH + i) % 6 / 2 == vector;
        }
        return VectorMask.fromArray(SPECIES, lanes, 0);
    }

    /** {@code even[0], odd[0], even[1], odd[1], ...} of the lower halves. */
    private static FloatVector low(FloatVector even, FloatVector odd) {
        return even.rearrange(LOW).blend(odd.rearrange(LOW), ODD);
    }

    private static FloatVector high(FloatVector even, FloatVector odd) {
        return even.rearrange(HIGH).blend(odd.rearrange(HIGH), ODD);
    }
}
