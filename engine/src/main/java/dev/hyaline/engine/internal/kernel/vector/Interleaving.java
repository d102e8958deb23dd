package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.InputRows.GROUP;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.WIDTH;

import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/** Interleaves rows four by four: first and third, second and fourth, then both. */
final class Interleaving {
    private static final VectorShuffle<Float> LOW = VectorShuffle.fromOp(SPECIES, i -> i / 2);
    private static final VectorShuffle<Float> HIGH = VectorShuffle.fromOp(SPECIES, i -> (WIDTH + i) / 2);
    private static final VectorMask<Float> ODD = VectorMask.fromLong(SPECIES, 0xAAAA & (1 << WIDTH) - 1);

    private Interleaving() {}

    static void interleave(InputRows in, int firstGroup, int endGroup) {
        for (int block = 0; block < in.k(); block += Kernels.K_BLOCK) {
            int steps = Math.min(Kernels.K_BLOCK, in.k() - block);
            for (int group = firstGroup; group < endGroup; group++) {
                int to = in.interleavedAt(block, steps, group);
                int from = in.at(group * GROUP) + block;
                group(in.interleaved(), to, in.values(), from, in.stride(), steps);
            }
        }
    }

    private static void group(float[] out, int to, float[] values, int from, int stride, int steps) {
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
            int o = to + e * GROUP;
            low(lowAc, lowBd).intoArray(out, o);
            high(lowAc, lowBd).intoArray(out, o + WIDTH);
            low(highAc, highBd).intoArray(out, o + 2 * WIDTH);
            high(highAc, highBd).intoArray(out, o + 3 * WIDTH);
        }
        for (; e < steps; e++) {
            out[to + e * GROUP] = values[from + e];
            out[to + e * GROUP + 1] = values[b + e];
            out[to + e * GROUP + 2] = values[c + e];
            out[to + e * GROUP + 3] = values[d + e];
        }
    }

    /** {@code even[0], odd[0], even[1], odd[1], ...} of the lower halves. */
    private static FloatVector low(FloatVector even, FloatVector odd) {
        return even.rearrange(LOW).blend(odd.rearrange(LOW), ODD);
    }

    private static FloatVector high(FloatVector even, FloatVector odd) {
        return even.rearrange(HIGH).blend(odd.rearrange(HIGH), ODD);
    }
}
