package dev.hyaline.analysis.superposition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.QRDecomposition;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FeatureGeometryTest {
    /** Corners of a regular polygon. */
    static double[] polygon(int corners) {
        double[] rows = new double[2 * corners];
        for (int i = 0; i < corners; i++) {
            rows[2 * i] = Math.cos(2 * Math.PI * i / corners);
            rows[2 * i + 1] = Math.sin(2 * Math.PI * i / corners);
        }
        return rows;
    }

    private static double[] arrangement(String name) {
        return switch (name) {
            case "orthonormal_3" -> new double[] {1, 0, 0, 0, 1, 0, 0, 0, 1};
            case "digon" -> new double[] {1, 0, 0, -1, 0, 0};
            case "triangle" -> polygon(3);
            case "square" -> polygon(4);
            case "pentagon" -> polygon(5);
            case "hexagon" -> polygon(6);
            case "tetrahedron" -> new double[] {1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, 1};
            case "square_antiprism" -> antiprism();
            case "two_digons_and_a_zero" -> new double[] {1, 0, -1, 0, 0, 1, 0, -1, 0, 0};
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** Two squares, one turned by an eighth, with the height that the reference has. */
    private static double[] antiprism() {
        double height = 0.6436;
        double[] rows = new double[24];
        for (int i = 0; i < 8; i++) {
            double angle = Math.PI / 2 * i + (i < 4 ? 0 : Math.PI / 4);
            rows[3 * i] = Math.cos(angle);
            rows[3 * i + 1] = Math.sin(angle);
            rows[3 * i + 2] = i < 4 ? height : -height;
        }
        return rows;
    }

    @ParameterizedTest
    @CsvSource({
        "orthonormal_3, 3",
        "digon, 3",
        "triangle, 2",
        "square, 2",
        "pentagon, 2",
        "hexagon, 2",
        "tetrahedron, 3",
        "square_antiprism, 3",
        "two_digons_and_a_zero, 2"
    })
    void regularArrangementsHaveTheirDimensionalities(String name, int dimensions) {
        double[] expected =
                SparseGolden.json("superposition.json").require("dimensionality").require(name).elements().stream()
                        .mapToDouble(value -> value.number())
                        .toArray();
        assertThat(FeatureGeometry.of(arrangement(name), dimensions).dimensionalities())
                .containsExactly(expected, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({
        "orthonormal_3, 3, ORTHOGONAL",
        "digon, 3, DIGON",
        "triangle, 2, TRIANGLE",
        "square, 2, DIGON",
        "pentagon, 2, PENTAGON",
        "tetrahedron, 3, TETRAHEDRON",
        "square_antiprism, 3, SQUARE_ANTIPRISM"
    })
    void arrangementsAreRecognised(String name, int dimensions, Arrangement expected) {
        for (double dimensionality :
                FeatureGeometry.of(arrangement(name), dimensions).dimensionalities()) {
            assertThat(Arrangement.of(dimensionality)).contains(expected);
        }
    }

    @Test
    void whatIsBetweenArrangementsIsNone() {
        assertThat(Arrangement.of(0)).isEmpty();
        assertThat(Arrangement.of(0.45)).isEmpty();
        assertThat(Arrangement.of(0.88)).isEmpty();
    }

    @Test
    void toyGeometryIsTheReference() {
        TensorValues golden = SparseGolden.values("superposition.safetensors");
        FeatureGeometry geometry = FeatureGeometry.of(doubles(golden, "toy.W"), 3);
        assertThat(geometry.dimensionalities()).containsExactly(doubles(golden, "toy.dimensionality"), within(1e-6));
        assertThat(geometry.featuresPerDimension())
                .isCloseTo(
                        SparseGolden.json("superposition.json")
                                .require("features_per_dimension")
                                .number(),
                        within(1e-6));
        double[] gram = geometry.unit().gram();
        for (int i = 0; i < 7; i++) {
            gram[i * 7 + i] -= 1;
        }
        assertThat(gram).containsExactly(doubles(golden, "toy.interference"), within(1e-6));
    }

    static double[] doubles(TensorValues file, String tensor) {
        float[] floats = SparseGolden.floats(file, tensor);
        return IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
    }

    private static double[] normal(int count, long seed) {
        CounterRandom random = CounterRandom.of(seed);
        return IntStream.range(0, count).mapToDouble(random::gaussian).toArray();
    }

    @Property(tries = 100)
    void dimensionalitiesSumToAtMostTheRank(
            @ForAll @IntRange(min = 1, max = 12) int n,
            @ForAll @IntRange(min = 1, max = 8) int m,
            @ForAll @IntRange(min = 1, max = 8) int rank,
            @ForAll long seed) {
        RealMatrix left = matrix(normal(n * rank, seed), n, rank);
        RealMatrix right = matrix(normal(rank * m, seed + 1), rank, m);
        RealMatrix w = left.multiply(right);
        double[] found = FeatureGeometry.of(flat(w), m).dimensionalities();
        assertThat(Arrays.stream(found).boxed()).allMatch(value -> value >= 0 && value <= 1 + 1e-12);
        assertThat(Arrays.stream(found).sum()).isLessThanOrEqualTo(new SingularValueDecomposition(w).getRank() + 1e-9);
    }

    @Property(tries = 50)
    void rotationsChangeNothing(@ForAll @IntRange(min = 2, max = 6) int m, @ForAll long seed) {
        int n = 9;
        RealMatrix w = matrix(normal(n * m, seed), n, m);
        RealMatrix turn = new QRDecomposition(matrix(normal(m * m, seed + 1), m, m)).getQ();
        FeatureGeometry one = FeatureGeometry.of(flat(w), m);
        FeatureGeometry other = FeatureGeometry.of(flat(w.multiply(turn)), m);
        assertThat(other.dimensionalities()).containsExactly(one.dimensionalities(), within(1e-9));
        assertThat(other.framePotential()).isCloseTo(one.framePotential(), within(1e-6));
        assertThat(other.interference().largest()).isCloseTo(one.interference().largest(), within(1e-9));
        assertThat(other.interference().meanSquare())
                .isCloseTo(one.interference().meanSquare(), within(1e-9));
    }

    @Property(tries = 100)
    void boundsHold(
            @ForAll @IntRange(min = 2, max = 40) int n, @ForAll @IntRange(min = 1, max = 9) int m, @ForAll long seed) {
        FeatureGeometry geometry = FeatureGeometry.of(normal(n * m, seed), m);
        assertThat(geometry.framePotential()).isGreaterThanOrEqualTo(geometry.leastFramePotential() * (1 - 1e-9));
        Interference interference = geometry.interference();
        assertThat(interference.largest()).isGreaterThanOrEqualTo(interference.welchBound() - 1e-9);
        assertThat(interference.meanSquare()).isGreaterThanOrEqualTo(interference.leastMeanSquare() - 1e-9);
        assertThat(interference.largest()).isGreaterThanOrEqualTo(interference.meanLargest());
        assertThat(LongStream.of(interference.histogram()).sum()).isEqualTo((long) n * (n - 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 7})
    void simplicesReachTheWelchBound(int n) {
        double[] rows = new double[n * n];
        for (int i = 0; i < n * n; i++) {
            rows[i] = (i / n == i % n ? 1 : 0) - 1.0 / n;
        }
        // n corners lie in n - 1 dimensions: express them in a basis of these.
        SingularValueDecomposition svd = new SingularValueDecomposition(matrix(rows, n, n));
        RealMatrix in = matrix(rows, n, n).multiply(svd.getV()).getSubMatrix(0, n - 1, 0, n - 2);
        FeatureGeometry simplex = FeatureGeometry.of(flat(in), n - 1).unit();
        Interference interference = simplex.interference();
        assertThat(interference.largest()).isCloseTo(interference.welchBound(), within(1e-9));
        assertThat(interference.welchBound()).isCloseTo(1.0 / (n - 1), within(1e-12));
        assertThat(simplex.framePotential()).isCloseTo(simplex.leastFramePotential(), within(1e-9));
        assertThat(Arrays.stream(simplex.dimensionalities()).boxed()).allMatch(d -> Math.abs(d - (n - 1.0) / n) < 1e-9);
    }

    @Test
    void randomDirectionsHaveTheMeanSquareOfChance() {
        Interference found = FeatureGeometry.of(normal(800 * 50, 5), 50).interference();
        assertThat(found.meanSquare()).isCloseTo(found.randomMeanSquare(), within(2e-4));
    }

    @Test
    void zerosInterfereWithNothing() {
        FeatureGeometry geometry = FeatureGeometry.of(new double[] {3, 0, 0, 0, 0, 2}, 2);
        assertThat(geometry.dimensionalities()).containsExactly(1, 0, 1);
        assertThat(geometry.represented()).isEqualTo(2);
        assertThat(geometry.interference().features()).isEqualTo(2);
        assertThat(geometry.interference().largest()).isZero();
        assertThat(geometry.unit().norms()).containsExactly(1, 0, 1);
        assertThat(geometry.unit().featuresPerDimension()).isEqualTo(1);
    }

    @Test
    void orthogonalPairsFallIntoTheMiddleBin() {
        long[] histogram = FeatureGeometry.of(new double[] {1, 0, 0, 1, -1, 0}, 2)
                .interference()
                .histogram();
        assertThat(histogram[Interference.BINS / 2]).isEqualTo(4);
        assertThat(histogram[0]).isEqualTo(2);
        assertThat(Interference.middle(Interference.BINS / 2)).isEqualTo(0, within(1e-15));
    }

    @Test
    void interferenceIsWeightedByActivity() {
        FeatureGeometry geometry = FeatureGeometry.of(new double[] {2, 0, 0, 3, 1, 1}, 2);
        double[] weighted = geometry.weightedInterference(new double[] {1, 4, 0.5});
        assertThat(weighted).containsExactly(new double[] {0.25, 0.0625, 5}, within(1e-12));
        assertThat(geometry.weightedInterference(new double[] {1, 0, 1})[1]).isNaN();
    }

    @Test
    void manyFeaturesAreMeasuredBlockByBlock() {
        int n = 700;
        int m = 5;
        double[] rows = normal(n * m, 8);
        FeatureGeometry geometry = FeatureGeometry.of(rows, m);
        double[] gram = geometry.gram();
        double[] dimensionalities = geometry.dimensionalities();
        for (int i = 0; i < n; i += 37) {
            double squares = 0;
            for (int j = 0; j < n; j++) {
                double product = 0;
                for (int c = 0; c < m; c++) {
                    product += rows[i * m + c] * rows[j * m + c];
                }
                assertThat(gram[i * n + j]).isCloseTo(product, within(1e-12));
                squares += product * product;
            }
            double own = gram[i * n + i];
            assertThat(dimensionalities[i]).isCloseTo(own * own / squares, within(1e-12));
        }
    }

    @Test
    void theEffectiveDimensionIsTheParticipationRatio() {
        float[] x = new float[400 * 6];
        CounterRandom random = CounterRandom.of(4);
        for (int t = 0; t < 400; t++) {
            // Four even directions, a mean, and a column of zeros.
            for (int c = 0; c < 4; c++) {
                x[t * 6 + c] = (t % 8 == 2 * c ? 5 : t % 8 == 2 * c + 1 ? -5 : 0);
            }
            x[t * 6 + 4] = 100;
        }
        assertThat(EffectiveDimension.of(x, 6)).isCloseTo(4, within(1e-9));
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.gaussian(i);
        }
        assertThat(EffectiveDimension.of(x, 6)).isBetween(5.8, 6.0);
    }

    @Test
    void badInputIsToldInOneSentence() {
        assertThatThrownBy(() -> FeatureGeometry.of(new double[5], 2))
                .isInstanceOf(BadShapeException.class)
                .hasMessage("features: expected rows of 2 values, found 5 values");
        assertThatThrownBy(() -> FeatureGeometry.of(new double[0], 2)).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> FeatureGeometry.of(new double[2], 0)).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> FeatureGeometry.of(new double[] {1, Double.NaN}, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("feature 1 has the length NaN");
        FeatureGeometry two = FeatureGeometry.of(new double[] {1, 2}, 1);
        assertThatThrownBy(() -> two.weightedInterference(new double[3]))
                .hasMessage("second moments: expected 2, one a feature, found 3 values");
        assertThatThrownBy(() -> two.weightedInterference(new double[] {1, -1}))
                .hasMessage("a second moment is a finite number of at least 0, found -1.0");
        assertThatThrownBy(() -> FeatureGeometry.of(new double[FeatureGeometry.MAX_GRAM + 1], 1)
                        .gram())
                .hasMessage("a matrix of all products is of at most 8192 features, found 8193");
        assertThatThrownBy(() -> EffectiveDimension.of(new float[] {1, 2}, 2))
                .hasMessage("an effective dimension needs at least 2 tokens, found 1");
        assertThatThrownBy(() -> EffectiveDimension.of(new float[] {1, 2, 1, 2}, 2))
                .hasMessage("activations have no effective dimension: their variance is 0.0");
        assertThatThrownBy(() -> EffectiveDimension.of(new float[3], 2)).isInstanceOf(BadShapeException.class);
    }

    private static RealMatrix matrix(double[] values, int rows, int columns) {
        RealMatrix matrix = MatrixUtils.createRealMatrix(rows, columns);
        for (int i = 0; i < values.length; i++) {
            matrix.setEntry(i / columns, i % columns, values[i]);
        }
        return matrix;
    }

    private static double[] flat(RealMatrix matrix) {
        double[] values = new double[matrix.getRowDimension() * matrix.getColumnDimension()];
        for (int i = 0; i < values.length; i++) {
            values[i] = matrix.getEntry(i / matrix.getColumnDimension(), i % matrix.getColumnDimension());
        }
        return values;
    }
}
