package dev.hyaline.analysis.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.compare.KolmogorovSmirnov;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.weights.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class ProbePropertiesTest {
    private static final List<ProbeMethod> METHODS = List.of(
            new ProbeMethod.Logistic(),
            new ProbeMethod.Ridge(1),
            new ProbeMethod.MassMean(),
            new ProbeMethod.Lda(0.1),
            new ProbeMethod.KSparse(2, 1));

    /** Normal rows, class k shifted along column k. */
    static LabelledRows rows(int n, int d, int classes, double shift, long seed) {
        CounterRandom random = CounterRandom.of(seed);
        double[] values = new double[n * d];
        int[] labels = new int[n];
        for (int row = 0; row < n; row++) {
            labels[row] = row % classes;
            for (int c = 0; c < d; c++) {
                values[row * d + c] = random.gaussian(row * d + c) + (c == labels[row] ? shift : 0);
            }
        }
        return LabelledRows.of(new Matrix(n, d, values), labels);
    }

    @Property(tries = 20)
    void erasureLeavesNoCrossCovarianceAndIsIdempotent(
            @ForAll long seed, @ForAll @IntRange(min = 2, max = 4) int classes, @ForAll boolean orthogonal) {
        LabelledRows rows = rows(40, 7, classes, 2, seed);
        AffineMap map = new Leace(Leace.TOLERANCE, orthogonal, false, false).fit(rows);
        Matrix once = map.apply(rows.values());
        double[][] means = rows.with(once).means();
        for (double[] mean : means) {
            for (int c = 0; c < 7; c++) {
                assertThat(mean[c]).isCloseTo(map.centre()[c], within(1e-9));
            }
        }
        GoldenProbes.assertClose("twice", map.apply(once).values(), once.values(), 1e-10);
        assertThat(map.rank()).isBetween(1, classes - 1);
    }

    @Property(tries = 10)
    void theOptionsOfTheLibraryStillEraseEverything(@ForAll long seed) {
        LabelledRows rows = rows(30, 12, 3, 2, seed);
        AffineMap shrunk = new Leace(0, false, true, false).fit(rows);
        for (double[] mean : rows.with(shrunk.apply(rows.values())).means()) {
            GoldenProbes.assertClose("mean", mean, shrunk.centre(), 1e-8);
        }
        AffineMap bounded = new Leace(0, false, false, true).fit(rows);
        assertThat(variance(bounded.apply(rows.values()))).isLessThanOrEqualTo(variance(rows.values()) * (1 + 1e-9));
    }

    private static double variance(Matrix values) {
        Matrix centred = Vectors.centred(values, Vectors.columnMeans(values));
        return Vectors.dot(centred.values(), centred.values());
    }

    @Property(tries = 10)
    void nullSpaceProjectionIsOrthogonal(@ForAll long seed) {
        AffineMap map = new Inlp(new ProbeMethod.Logistic(), 3).fit(rows(40, 8, 2, 3, seed));
        Matrix p = map.matrix();
        GoldenProbes.assertClose("P P", p.times(p).values(), p.values(), 1e-10);
        GoldenProbes.assertClose("P transposed", p.transposed().values(), p.values(), 1e-12);
    }

    @Property(tries = 15)
    void orderOfRowsChangesNothingBeyondRounding(@ForAll long seed, @ForAll @IntRange(min = 2, max = 3) int classes) {
        LabelledRows rows = rows(48, 6, classes, 1, seed);
        LabelledRows shuffled = rows.only(CounterRandom.of(seed).permutation(48));
        for (ProbeMethod method : METHODS) {
            LinearProbe one = method.fitStandardized(rows);
            LinearProbe other = method.fitStandardized(shuffled);
            for (int k = 0; k < one.weights().length; k++) {
                GoldenProbes.assertClose(method.toString(), other.weights()[k], one.weights()[k], 1e-6);
            }
        }
    }

    @Property(tries = 15)
    void unitsOfColumnsChangeNoPrediction(@ForAll long seed) {
        LabelledRows rows = rows(48, 6, 2, 1, seed);
        double[] scaled = rows.values().values().clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = 3 * scaled[i] * (1 + i % 6) - 40;
        }
        LabelledRows others = rows.with(new Matrix(48, 6, scaled));
        for (ProbeMethod method : List.of(new ProbeMethod.Logistic(), new ProbeMethod.Ridge(1))) {
            LinearProbe one = method.fitStandardized(rows);
            LinearProbe other = method.fitStandardized(others);
            for (int row = 0; row < 48; row++) {
                assertThat(other.scores(others.values(), row)[0])
                        .isCloseTo(one.scores(rows.values(), row)[0], within(1e-6));
            }
        }
    }

    @Test
    void constantAndDoubledColumnsAreHarmless() {
        LabelledRows rows = rows(40, 4, 2, 3, 5);
        double[] wider = new double[40 * 6];
        for (int row = 0; row < 40; row++) {
            System.arraycopy(rows.values().values(), row * 4, wider, row * 6, 4);
            wider[row * 6 + 4] = 1e6;
            wider[row * 6 + 5] = wider[row * 6];
        }
        LabelledRows widened = rows.with(new Matrix(40, 6, wider));
        Folds folds = Folds.stratified(rows, 4);
        for (ProbeMethod method : METHODS) {
            assertThat(HeldOut.of(widened, folds, method).accuracy())
                    .as("%s", method)
                    .isGreaterThanOrEqualTo(HeldOut.of(rows, folds, method).accuracy() - 0.1);
        }
        AffineMap map = new Leace().fit(widened);
        GoldenProbes.assertClose(
                "means", widened.with(map.apply(widened.values())).means()[0], map.centre(), 1e-9);
    }

    @Test
    void permutationPIsUniformWithoutAnEffectAndSmallWithOne() {
        int runs = 120;
        double[] p = new double[runs];
        double[] uniform = new double[runs];
        for (int run = 0; run < runs; run++) {
            LabelledRows rows = rows(60, 3, 2, 0, 1000 + run);
            HeldOut held = HeldOut.of(rows, Folds.stratified(rows, 5), new ProbeMethod.MassMean());
            p[run] = held.permutationP(Units.each(60), 99, CounterRandom.of(run));
            uniform[run] = (run + 0.5) / runs;
        }
        assertThat(KolmogorovSmirnov.test(p, uniform).d()).isLessThan(0.2);
        assertThat(Arrays.stream(p).filter(x -> x <= 0.05).count()).isLessThanOrEqualTo(14);
        LabelledRows clear = rows(60, 3, 2, 4, 1);
        HeldOut held = HeldOut.of(clear, Folds.stratified(clear, 5), new ProbeMethod.MassMean());
        assertThat(held.permutationP(Units.each(60), 999, CounterRandom.of(1))).isEqualTo(0.001);
        assertThat(held.auc().orElseThrow().area()).isGreaterThan(0.95);
        assertThat(held.logLoss()).isEmpty();
        assertThat(held.interval(Units.each(60), CounterRandom.of(1)).contains(held.accuracy()))
                .isTrue();
    }

    @Test
    void groupsStayTogetherAndClassesSpread() {
        LabelledRows rows = rows(60, 3, 2, 1, 9);
        // Twelve names of five rows each, of one class each.
        List<String> names = IntStream.range(0, 60)
                .mapToObj(row -> "name " + row % 2 + "." + row / 10)
                .toList();
        Units units = Units.of(names);
        Folds folds = Folds.grouped(rows, units, 3);
        for (int fold = 0; fold < 3; fold++) {
            List<String> held = Arrays.stream(folds.test(fold))
                    .mapToObj(names::get)
                    .distinct()
                    .toList();
            assertThat(Arrays.stream(folds.training(fold)).mapToObj(names::get)).doesNotContainAnyElementsOf(held);
            assertThat(rows.only(folds.test(fold)).counts()).containsExactly(10, 10);
        }
        LabelledRows control = ControlTask.labels(rows, units, CounterRandom.of(3));
        for (int unit = 0; unit < units.count(); unit++) {
            assertThat(Arrays.stream(units.promptsOf(unit)).map(control::label).distinct())
                    .hasSize(1);
        }
        assertThat(control.counts()).containsExactly(30, 30);
        assertThat(control.labels()).isNotEqualTo(rows.labels());
    }

    private static void refused(String sentence, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(HyalineException.class).hasMessage(sentence);
    }

    @Test
    void badInputIsNamedInASentence() {
        Matrix two = new Matrix(2, 1, new double[] {0, 1});
        LabelledRows rows = rows(8, 3, 2, 1, 1);
        refused(
                "a probe tells at least two classes apart, but all 2 rows are of the class 'she'",
                () -> LabelledRows.of(two, new int[2], List.of("she", "he")));
        refused(
                "row 1, column 0 is NaN; a probe reads finite values only",
                () -> LabelledRows.of(new Matrix(2, 1, new double[] {0, Double.NaN}), new int[] {0, 1}));
        refused(
                "the label of row 1 is 2, but classes run from 0 to 1",
                () -> LabelledRows.of(two, new int[] {0, 2}, List.of("a", "b")));
        refused("labels of a probe: expected 2, one per row, found 3 labels", () -> LabelledRows.of(two, new int[3]));
        refused("the class '0' has 4 rows, fewer than the 5 folds", () -> Folds.stratified(rows, 5));
        refused("cross-validation needs at least 2 folds, found 1", () -> Folds.stratified(rows, 1));
        refused(
                "there are 2 groups of rows, fewer than the 3 folds",
                () -> Folds.grouped(rows, Units.of(List.of("a", "b", "a", "b", "a", "b", "a", "b")), 3));
        refused(
                "the class '0' has too few groups of rows for 2 folds: one fold holds all of it",
                () -> Folds.grouped(rows, Units.of(List.of("a", "b", "a", "b", "a", "b", "a", "b")), 2));
        refused("C of a logistic probe is a finite number above 0, found 0.0", () -> new ProbeMethod.Logistic(0));
        refused(
                "the penalty of a ridge probe is a finite number above 0, found NaN",
                () -> new ProbeMethod.Ridge(Double.NaN));
        refused("the shrinkage of a discriminant lies between 0 and 1, found 2.0", () -> new ProbeMethod.Lda(2));
        refused("a k-sparse probe reads at least 1 column, found k = 0", () -> new ProbeMethod.KSparse(0, 1));
        refused("a k-sparse probe of 3 columns cannot read 4 of them", () -> new ProbeMethod.KSparse(4, 1).fit(rows));
        refused(
                "the tolerance of LEACE is a finite number of at least 0, found -1.0",
                () -> new Leace(-1, false, false, false));
        refused("INLP needs at least 1 step, found 0", () -> new Inlp(new ProbeMethod.MassMean(), 0));
        refused(
                "a control task needs the type of each of 8 rows, found those of 3",
                () -> ControlTask.labels(rows, Units.each(3), CounterRandom.of(1)));
        HeldOut held = HeldOut.of(rows, Folds.stratified(rows, 2), new ProbeMethod.MassMean());
        refused(
                "a permutation test needs at least 1 draw, found 0",
                () -> held.permutationP(Units.each(8), 0, CounterRandom.of(1)));
        refused(
                "folds of 8 rows cannot divide 4 rows of a probe",
                () -> HeldOut.of(rows.only(0, 1, 2, 3), Folds.stratified(rows, 2), new ProbeMethod.MassMean()));
        refused(
                "rows of a probe: expected 3 columns, found 1 columns",
                () -> new ProbeMethod.MassMean().fit(rows).predict(two, 0));
        assertThatThrownBy(() -> RidgeRegression.fit(two, new double[] {1, Double.POSITIVE_INFINITY}, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a ridge regression reads finite values only, found one that is not");
    }
}
