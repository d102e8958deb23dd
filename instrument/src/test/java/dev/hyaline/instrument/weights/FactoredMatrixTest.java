package dev.hyaline.instrument.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class FactoredMatrixTest {
    @Property(tries = 60)
    void theDecompositionRebuildsTheMatrix(
            @ForAll @IntRange(min = 1, max = 12) int rows,
            @ForAll @IntRange(min = 1, max = 6) int rank,
            @ForAll @IntRange(min = 1, max = 12) int columns,
            @ForAll long seed) {
        Random random = new Random(seed);
        FactoredMatrix matrix = new FactoredMatrix(random(rows, rank, random), random(rank, columns, random));
        Matrix product = matrix.product();
        assertThat(matrix.norm()).isCloseTo(product.norm(), within(1e-10));
        Svd svd = matrix.svd();
        assertThat(svd.s()).containsExactly(matrix.singularValues(), within(1e-10));
        Matrix scaled = scaleColumns(svd.u(), svd.s());
        assertNear(scaled.times(svd.v().transposed()), product);
        if (rank <= rows) {
            assertOrthonormal(svd.u());
        }
        if (rank <= columns) {
            assertOrthonormal(svd.v());
        }
    }

    @Test
    void dependentColumnsHaveZeroSingularValuesAndStillAnOrthonormalBasis() {
        Random random = new Random(3);
        Matrix thin = random(9, 2, random);
        Matrix dependent = thin.times(random(2, 5, random));
        FactoredMatrix matrix = new FactoredMatrix(dependent, random(5, 7, random));
        Svd svd = matrix.svd();
        assertThat(Arrays.copyOfRange(svd.s(), 2, 5)).containsExactly(new double[3], within(1e-12));
        assertThat(svd.s()[1]).isGreaterThan(1e-3);
        assertOrthonormal(svd.u());
        assertNear(scaleColumns(svd.u(), svd.s()).times(svd.v().transposed()), matrix.product());
        FactoredMatrix zero = new FactoredMatrix(Matrix.zeros(4, 2), Matrix.zeros(2, 4));
        assertThat(zero.norm()).isZero();
        assertThat(zero.copyingScore()).isZero();
    }

    @Test
    void aRotationHasComplexEigenvalues() {
        double angle = 0.3;
        Matrix rotation = new Matrix(
                2, 2, new double[] {2 * Math.cos(angle), -2 * Math.sin(angle), 2 * Math.sin(angle), 2 * Math.cos(angle)
                });
        Matrix up = new Matrix(3, 2, new double[] {1, 0, 0, 1, 0, 0});
        FactoredMatrix embedded = new FactoredMatrix(up, rotation.times(up.transposed()));
        assertThat(embedded.eigenvalues()).hasSize(2).allSatisfy(value -> {
            assertThat(value.abs()).isCloseTo(2, within(1e-12));
            assertThat(value.real()).isCloseTo(2 * Math.cos(angle), within(1e-12));
        });
        assertThat(embedded.eigenvalues().getFirst().imaginary())
                .isEqualTo(-embedded.eigenvalues().getLast().imaginary());
        assertThat(embedded.copyingScore()).isCloseTo(Math.cos(angle), within(1e-12));
    }

    @Test
    void productsStayFactoredAndEqualTheDenseOnes() {
        Random random = new Random(5);
        FactoredMatrix left = new FactoredMatrix(random(6, 2, random), random(2, 5, random));
        FactoredMatrix right = new FactoredMatrix(random(5, 3, random), random(3, 4, random));
        Matrix dense = random(4, 6, random);
        assertNear(left.times(right).product(), left.product().times(right.product()));
        assertThat(left.times(right).rank()).isEqualTo(2);
        assertNear(right.times(dense).product(), right.product().times(dense));
        assertNear(left.timesLeft(dense).product(), dense.times(left.product()));
        assertNear(left.transposed().product(), left.product().transposed());
    }

    @Test
    void shapesAreChecked() {
        Random random = new Random(1);
        Matrix a = random(3, 2, random);
        assertThatThrownBy(() -> new FactoredMatrix(a, a)).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> a.times(a)).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> new Matrix(2, 2, new double[3])).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> new Matrix(0, 2, new double[0])).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> new FactoredMatrix(a, random(2, 4, random)).eigenvalues())
                .isInstanceOf(BadShapeException.class);
    }

    private static Matrix random(int rows, int columns, Random random) {
        return new Matrix(
                rows, columns, random.doubles((long) rows * columns, -1, 1).toArray());
    }

    private static Matrix scaleColumns(Matrix matrix, double[] factors) {
        Matrix out = Matrix.zeros(matrix.rows(), matrix.columns());
        for (int i = 0; i < out.values().length; i++) {
            out.values()[i] = matrix.values()[i] * factors[i % matrix.columns()];
        }
        return out;
    }

    private static void assertOrthonormal(Matrix matrix) {
        Matrix gram = matrix.transposed().times(matrix);
        for (int i = 0; i < gram.rows(); i++) {
            for (int j = 0; j < gram.rows(); j++) {
                assertThat(gram.get(i, j)).isCloseTo(i == j ? 1 : 0, within(1e-12));
            }
        }
    }

    private static void assertNear(Matrix found, Matrix expected) {
        assertThat(found.rows()).isEqualTo(expected.rows());
        assertThat(found.values()).containsExactly(expected.values(), within(1e-10));
    }
}
