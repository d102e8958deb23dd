package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.ScalarMath.*;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** The chains of {@code ScalarMath}, operation by operation, on vectors. */
final class VectorMath {
    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

    private VectorMath() {}

    static FloatVector exp(FloatVector x) {
        FloatVector clamped = atMost(EXP_MAX, atLeast(EXP_MIN, x));
        FloatVector rounded = fma(clamped, LOG2_E, of(ROUND));
        FloatVector n = rounded.sub(ROUND);
        FloatVector r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, clamped));
        FloatVector p = fma(r, EXP_7, of(EXP_6));
        p = p.fma(r, of(EXP_5));
        p = p.fma(r, of(EXP_4));
        p = p.fma(r, of(EXP_3));
        p = p.fma(r, of(EXP_2));
        p = p.mul(r).fma(r, r).add(1f);
        IntVector exponent = rounded.reinterpretAsInts().sub(ROUND_BITS);
        IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
        return p.mul(powerOfTwo(half)).mul(powerOfTwo(exponent.sub(half)));
    }

    static FloatVector erf(FloatVector x) {
        FloatVector t = atMost(ERF_END, x.abs());
        FloatVector s = t.mul(t);
        FloatVector small = fma(s, ERF_S6, of(ERF_S5));
        small = small.fma(s, of(ERF_S4));
        small = small.fma(s, of(ERF_S3));
        small = small.fma(s, of(ERF_S2));
        small = small.fma(s, of(ERF_S1));
        small = small.fma(s, of(ERF_S0));
        small = small.fma(x, x);
        FloatVector large = fma(t, ERF_L7, of(ERF_L6));
        large = large.fma(t, of(ERF_L5));
        large = large.fma(t, of(ERF_L4));
        large = large.fma(t, of(ERF_L3));
        large = large.fma(t, of(ERF_L2));
        large = large.fma(t, of(ERF_L1));
        large = large.fma(t, of(ERF_L0));
        large = of(1f).sub(exp(large));
        FloatVector signed = large.reinterpretAsInts()
                .or(x.reinterpretAsInts().and(Integer.MIN_VALUE))
                .reinterpretAsFloats();
        return small.blend(signed, t.compare(VectorOperators.GT, ERF_SPLIT));
    }

    static FloatVector geluTanh(FloatVector x) {
        FloatVector u = x.mul(fma(x.mul(x), GELU_3, of(GELU_1)));
        return x.div(exp(u.neg()).add(1f));
    }

    static FloatVector gelu(FloatVector x) {
        return x.mul(0.5f).mul(erf(x.mul(SQRT_HALF)).add(1f));
    }

    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(1f));
    }

    /** {@code max} and {@code min} for a limit that is not zero; C2's own spend six instructions on the signs of zeros. */
    private static FloatVector atLeast(float limit, FloatVector x) {
        return x.blend(limit, x.compare(VectorOperators.LT, limit));
    }

    private static FloatVector atMost(float limit, FloatVector x) {
        return x.blend(limit, x.compare(VectorOperators.GT, limit));
    }

    private static FloatVector powerOfTwo(IntVector n) {
        return n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    }

    private static FloatVector fma(FloatVector a, float b, FloatVector c) {
        return a.fma(of(b), c);
    }

    private static FloatVector of(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }
}
