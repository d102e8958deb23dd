package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.ScalarMath.*;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The chains of {@code ScalarMath}, operation by operation, on vectors.
 *
 * <p>C2 stops inlining methods of ours, though not those of the Vector API, once a method has grown to 18,000 nodes,
 * and boxes the vectors that it passes to them. That is why there are few helpers here and why {@link #erf} calls
 * {@link #exp} early.
 */
final class VectorMath {
    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

    private VectorMath() {}

    static FloatVector exp(FloatVector x) {
        // Not max and min, on which C2 spends six instructions each for the signs of zeros.
        FloatVector clamped = x.blend(EXP_MIN, x.compare(VectorOperators.LT, EXP_MIN));
        clamped = clamped.blend(EXP_MAX, clamped.compare(VectorOperators.GT, EXP_MAX));
        FloatVector rounded =
                clamped.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUND));
        FloatVector n = rounded.sub(ROUND);
        FloatVector r = n.fma(
                FloatVector.broadcast(SPECIES, -LN2_LOW), n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), clamped));
        FloatVector p = r.fma(FloatVector.broadcast(SPECIES, EXP_7), FloatVector.broadcast(SPECIES, EXP_6));
        p = p.fma(r, FloatVector.broadcast(SPECIES, EXP_5));
        p = p.fma(r, FloatVector.broadcast(SPECIES, EXP_4));
        p = p.fma(r, FloatVector.broadcast(SPECIES, EXP_3));
        p = p.fma(r, FloatVector.broadcast(SPECIES, EXP_2));
        p = p.mul(r).fma(r, r).add(1f);
        IntVector exponent = rounded.reinterpretAsInts().sub(ROUND_BITS);
        IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
        return p.mul(half.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats())
                .mul(exponent.sub(half)
                        .add(127)
                        .lanewise(VectorOperators.LSHL, 23)
                        .reinterpretAsFloats());
    }

    static FloatVector erf(FloatVector x) {
        FloatVector t = x.abs();
        t = t.blend(ERF_END, t.compare(VectorOperators.GT, ERF_END));
        FloatVector s = t.mul(t);
        FloatVector large = t.fma(FloatVector.broadcast(SPECIES, ERF_L7), FloatVector.broadcast(SPECIES, ERF_L6));
        large = large.fma(t, FloatVector.broadcast(SPECIES, ERF_L5));
        large = large.fma(t, FloatVector.broadcast(SPECIES, ERF_L4));
        large = large.fma(t, FloatVector.broadcast(SPECIES, ERF_L3));
        large = large.fma(t, FloatVector.broadcast(SPECIES, ERF_L2));
        large = large.fma(t, FloatVector.broadcast(SPECIES, ERF_L1));
        large = large.fma(t, FloatVector.broadcast(SPECIES, ERF_L0));
        large = FloatVector.broadcast(SPECIES, 1f).sub(exp(large));
        FloatVector small = s.fma(FloatVector.broadcast(SPECIES, ERF_S6), FloatVector.broadcast(SPECIES, ERF_S5));
        small = small.fma(s, FloatVector.broadcast(SPECIES, ERF_S4));
        small = small.fma(s, FloatVector.broadcast(SPECIES, ERF_S3));
        small = small.fma(s, FloatVector.broadcast(SPECIES, ERF_S2));
        small = small.fma(s, FloatVector.broadcast(SPECIES, ERF_S1));
        small = small.fma(s, FloatVector.broadcast(SPECIES, ERF_S0));
        small = small.fma(x, x);
        FloatVector signed = large.reinterpretAsInts()
                .or(x.reinterpretAsInts().and(Integer.MIN_VALUE))
                .reinterpretAsFloats();
        return small.blend(signed, t.compare(VectorOperators.GT, ERF_SPLIT));
    }

    static FloatVector geluTanh(FloatVector x) {
        FloatVector u =
                x.mul(x.mul(x).fma(FloatVector.broadcast(SPECIES, GELU_3), FloatVector.broadcast(SPECIES, GELU_1)));
        return x.div(exp(u.neg()).add(1f));
    }

    static FloatVector gelu(FloatVector x) {
        return x.mul(0.5f).mul(erf(x.mul(SQRT_HALF)).add(1f));
    }

    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(1f));
    }
}
