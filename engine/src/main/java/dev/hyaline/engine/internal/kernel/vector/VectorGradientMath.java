package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.ScalarGradientMath.GELU_3_TIMES_3;
import static dev.hyaline.engine.internal.kernel.ScalarGradientMath.NORMAL_DENSITY;
import static dev.hyaline.engine.internal.kernel.ScalarMath.GELU_1;
import static dev.hyaline.engine.internal.kernel.ScalarMath.GELU_3;
import static dev.hyaline.engine.internal.kernel.ScalarMath.SQRT_HALF;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** The chains of {@code ScalarGradientMath}, operation by operation, on vectors. */
final class VectorGradientMath {
    private VectorGradientMath() {}

    static FloatVector geluTanh(FloatVector x) {
        FloatVector square = x.mul(x);
        FloatVector gelu1 = FloatVector.broadcast(SPECIES, GELU_1);
        FloatVector u = x.mul(square.fma(FloatVector.broadcast(SPECIES, GELU_3), gelu1));
        return logistic(x.mul(square.fma(FloatVector.broadcast(SPECIES, GELU_3_TIMES_3), gelu1)), u);
    }

    static FloatVector silu(FloatVector x) {
        return logistic(x, x);
    }

    private static FloatVector logistic(FloatVector factor, FloatVector u) {
        FloatVector e = VectorMath.exp(u.abs().neg());
        FloatVector larger = FloatVector.broadcast(SPECIES, 1f).div(e.add(1f));
        FloatVector smaller = e.mul(larger);
        FloatVector product = larger.mul(smaller);
        FloatVector slope = factor.mul(product).blend(0f, product.compare(VectorOperators.EQ, 0f));
        return slope.add(larger.blend(smaller, u.compare(VectorOperators.LT, 0f)));
    }

    static FloatVector gelu(FloatVector x) {
        FloatVector density = VectorMath.exp(x.mul(-0.5f).mul(x)).mul(NORMAL_DENSITY);
        return x.fma(density, VectorMath.erf(x.mul(SQRT_HALF)).add(1f).mul(0.5f));
    }
}
