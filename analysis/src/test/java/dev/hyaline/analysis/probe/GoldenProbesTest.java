package dev.hyaline.analysis.probe;

import static dev.hyaline.analysis.probe.GoldenProbes.assertClose;
import static dev.hyaline.analysis.probe.GoldenProbes.doubles;
import static dev.hyaline.analysis.probe.GoldenProbes.number;
import static dev.hyaline.analysis.probe.GoldenProbes.test;
import static dev.hyaline.analysis.probe.GoldenProbes.train;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.statistics.compare.Auroc;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.weights.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GoldenProbesTest {
    private static double auc(LinearProbe probe, LabelledRows rows) {
        return Auroc.of(scores(probe, rows, 1), scores(probe, rows, 0)).area();
    }

    private static double[] scores(LinearProbe probe, LabelledRows rows, int label) {
        return IntStream.range(0, rows.rows())
                .filter(row -> rows.label(row) == label)
                .mapToDouble(row -> probe.scores(rows.values(), row)[0])
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 0.01})
    void logistic(double c) {
        String name = "logistic.C" + c;
        LabelledRows train = train("y");
        LinearProbe probe = new ProbeMethod.Logistic(c).fit(train);
        assertClose("weights", probe.weights()[0], doubles(name + ".w"), 1e-8);
        assertClose("intercept", probe.bias(), doubles(name + ".b"), 1e-8);
        double[] w = probe.weights()[0];
        double objective = c * train.rows() * probe.logLoss(train) + Vectors.dot(w, w) / 2;
        assertThat(objective).isCloseTo(number(name, "objective"), within(1e-9 * objective));
        assertThat(probe.accuracy(train)).isEqualTo(number(name, "train_accuracy"));
        assertThat(probe.accuracy(test("y"))).isEqualTo(number(name, "test_accuracy"));
        assertThat(auc(probe, test("y"))).isCloseTo(number(name, "test_auc"), within(1e-12));
        assertThat(probe.logLoss(test("y"))).isCloseTo(number(name, "test_log_loss"), within(1e-8));
    }

    @Test
    void multinomial() {
        LinearProbe probe = new ProbeMethod.Logistic().fit(train("y3"));
        double[] weights =
                Arrays.stream(probe.weights()).flatMapToDouble(Arrays::stream).toArray();
        // The reference stopped where the gradient was 1e-5, and intercepts lie in a flat direction.
        assertClose("weights", weights, doubles("multinomial.W"), 5e-6);
        assertClose("intercepts", probe.bias(), doubles("multinomial.b"), 1e-4);
        for (int column = 0; column < 20; column++) {
            int c = column;
            assertThat(Arrays.stream(probe.weights()).mapToDouble(w -> w[c]).sum())
                    .isCloseTo(0, within(1e-9));
        }
        assertThat(probe.accuracy(test("y3"))).isEqualTo(number("multinomial", "test_accuracy"));
        assertThat(probe.logLoss(test("y3"))).isCloseTo(number("multinomial", "test_log_loss"), within(1e-6));
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 100})
    void ridge(double alpha) {
        String name = "ridge." + alpha;
        LabelledRows train = train("y");
        double[] y = Arrays.stream(train.labels()).mapToDouble(l -> 2 * l - 1).toArray();
        RidgeRegression fit = RidgeRegression.fit(train.values(), y, alpha);
        assertClose("weights", fit.weights(), doubles(name + ".w"), 1e-11);
        assertClose("intercept", new double[] {fit.bias()}, doubles(name + ".b"), 1e-11);
        assertClose("left out", fit.leftOutResiduals(), doubles(name + ".loo_residual"), 1e-11);
        assertThat(fit.leftOutMeanSquare()).isCloseTo(number(name, "loo_mse"), within(1e-11));
        assertThat(new ProbeMethod.Ridge(alpha).fit(train).accuracy(test("y")))
                .isEqualTo(number(name, "test_accuracy"));
    }

    @Test
    void ridgeOfFewRowsIsTheSameByTheOtherSystem() {
        LabelledRows few = train("y").only(IntStream.range(0, 12).toArray());
        double[] y = Arrays.stream(few.labels()).mapToDouble(l -> 2 * l - 1).toArray();
        RidgeRegression all = RidgeRegression.fit(few.values(), y, 2);
        for (int left = 0; left < 12; left++) {
            int row = left;
            int[] others = IntStream.range(0, 12).filter(i -> i != row).toArray();
            LabelledRows without = few.only(others);
            double[] ofOthers = IntStream.of(others).mapToDouble(i -> y[i]).toArray();
            RidgeRegression fit = RidgeRegression.fit(without.values(), ofOthers, 2);
            double predicted =
                    fit.bias() + Vectors.dot(fit.weights(), few.values().row(row));
            assertThat(all.leftOutResiduals()[row]).isCloseTo(y[row] - predicted, within(1e-10));
        }
    }

    @Test
    void massMean() {
        LinearProbe probe = new ProbeMethod.MassMean().fit(train("y"));
        assertClose("direction", probe.direction(), doubles("mass_mean.direction"), 1e-13);
        assertThat(probe.accuracy(test("y"))).isEqualTo(number("mass_mean", "test_accuracy"));
    }

    @Test
    void discriminant() {
        LinearProbe probe = new ProbeMethod.Lda(0).fit(train("y"));
        assertClose("weights", probe.direction(), doubles("lda.w"), 1e-11);
        assertClose("intercept", probe.bias(), doubles("lda.b"), 1e-11);
        assertThat(probe.accuracy(test("y"))).isEqualTo(number("lda", "test_accuracy"));
        assertClose(
                "shrunk",
                new ProbeMethod.Lda(0.3).fit(train("y")).direction(),
                doubles("lda_shrink_0.3.w_pooled"),
                1e-11);
    }

    @ParameterizedTest
    @ValueSource(strings = {"leace_binary", "leace_three", "orth_three"})
    void erasure(String name) {
        String labels = name.endsWith("binary") ? "y" : "y3";
        boolean orthogonal = name.startsWith("orth");
        LabelledRows train = train(labels);
        AffineMap map = new Leace(Leace.TOLERANCE, orthogonal, false, false).fit(train);
        assertClose("P", map.matrix().values(), doubles(name + ".P"), 1e-10);
        assertClose("mean", map.centre(), doubles(name + ".mean"), 1e-12);
        assertThat((double) map.rank()).isEqualTo(number(name, "rank_removed"));
        LabelledRows erased = train.with(map.apply(train.values()));
        // The reference probes two classes by their discriminant.
        ProbeMethod before = labels.equals("y") ? new ProbeMethod.Lda(0) : new ProbeMethod.Logistic();
        assertThat(before.fit(train).accuracy(train)).isEqualTo(number(name, "train_accuracy_before"));
        assertThat(new ProbeMethod.Logistic().fit(erased).accuracy(erased))
                .isEqualTo(number(name, "train_accuracy_after"));
        assertThat(train.majority()).isCloseTo(number(name, "majority"), within(1e-6));
        Matrix values = train.values();
        double change = 0;
        for (int i = 0; i < values.values().length; i++) {
            change += Math.pow(values.values()[i] - erased.values().values()[i], 2);
        }
        assertThat(change / train.rows()).isCloseTo(number(name, "mean_squared_change"), within(1e-9));
        // The bound of the library does nothing here.
        if (!orthogonal) {
            AffineMap bounded = new Leace(Leace.TOLERANCE, false, false, true).fit(train);
            assertThat(bounded).isEqualTo(map);
        }
    }

    @Test
    void nullSpaces() {
        Inlp.Found found = new Inlp(new ProbeMethod.Ridge(1), 4).find(train("y"), test("y"));
        assertThat(found.accuracies())
                .isEqualTo(
                        GoldenProbes.EXPECTED
                                .require("inlp")
                                .require("test_accuracy_before_each_step")
                                .elements()
                                .stream()
                                .map(Json::number)
                                .toList());
        double[] directions =
                found.directions().stream().flatMapToDouble(DoubleStream::of).toArray();
        assertClose("directions", directions, doubles("inlp.directions"), 1e-10);
        assertClose("P", found.map().matrix().values(), doubles("inlp.P"), 1e-10);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void sparse(int k) {
        Json expected = GoldenProbes.EXPECTED.require("k_sparse").require("" + k);
        ProbeMethod.KSparse method = new ProbeMethod.KSparse(k, 1);
        assertThat(method.columns(train("y")))
                .containsExactly(expected.require("columns").elements().stream()
                        .mapToInt(c -> c.integer(0, 19))
                        .toArray());
        assertThat(method.fit(train("y")).accuracy(test("y")))
                .isEqualTo(expected.require("test_accuracy").number());
    }

    @Test
    void folds() {
        LabelledRows train = train("y");
        Folds folds = Folds.stratified(train, 5);
        List<Json> expected =
                GoldenProbes.EXPECTED.require("cross_validation_stratified_5").elements();
        for (int fold = 0; fold < 5; fold++) {
            assertThat(folds.test(fold))
                    .containsExactly(expected.get(fold).require("test").elements().stream()
                            .mapToInt(row -> row.integer(0, 400))
                            .toArray());
            LinearProbe probe = new ProbeMethod.Logistic().fit(train.only(folds.training(fold)));
            assertThat(probe.accuracy(train.only(folds.test(fold))))
                    .isEqualTo(expected.get(fold).require("accuracy").number());
        }
    }
}
