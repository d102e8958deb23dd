package dev.hyaline.analysis.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.weights.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Distributed alignment search for gender in the built-in model, against the reference. */
class AlignmentSearchTest {
    private static final String FILE = "fable/gender.safetensors";
    private static final Json EXPECTED = SparseGolden.json("fable/gender.json");
    private static final Json DAS = EXPECTED.require("das");
    private static final HookPoint POINT = HookPoint.of(Site.RESID_POST, 2);
    private static final int LAST = 6;

    private static Gpt2 model;
    private static int[][] tokens;
    private static int[] labels;
    private static Interchanges golden;

    @BeforeAll
    static void record() {
        model = Fable.open();
        int[] all = GoldenProbes.integers(FILE, "tokens");
        tokens = IntStream.range(0, all.length / 7)
                .mapToObj(s -> Arrays.copyOfRange(all, 7 * s, 7 * s + 7))
                .toArray(int[][]::new);
        labels = GoldenProbes.integers(FILE, "label");
        golden = interchanges(POINT, rows("base_rows"), rows("source_rows"));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static int[] rows(String name) {
        return DAS.require(name).elements().stream()
                .mapToInt(row -> row.integer(0, 700))
                .toArray();
    }

    private static Interchanges interchanges(HookPoint point, int[] bases, int[] sources) {
        int[] words = {
            EXPECTED.require("he").integer(0, 10_000), EXPECTED.require("she").integer(0, 10_000)
        };
        List<PromptPair> pairs = new ArrayList<>();
        for (int i = 0; i < bases.length; i++) {
            pairs.add(new PromptPair(
                    "pair " + i,
                    tokens[bases[i]],
                    tokens[sources[i]],
                    new int[] {words[labels[bases[i]]]},
                    new int[] {words[labels[sources[i]]]},
                    Map.of()));
        }
        int[] last = new int[bases.length];
        Arrays.fill(last, LAST);
        return Interchanges.of(model, PromptPairs.of(model.config(), pairs), point, last);
    }

    /** Every prompt of the training half with the next that has the other label. */
    private static Interchanges training(HookPoint point) {
        List<Integer> bases = new ArrayList<>();
        List<Integer> sources = new ArrayList<>();
        int[] female = IntStream.range(0, 400).filter(s -> labels[s] == 1).toArray();
        int[] male = IntStream.range(0, 400).filter(s -> labels[s] == 0).toArray();
        for (int i = 0; i < Math.min(female.length, male.length); i++) {
            bases.add(i % 2 == 0 ? female[i] : male[i]);
            sources.add(i % 2 == 0 ? male[i] : female[i]);
        }
        return interchanges(
                point,
                bases.stream().mapToInt(Integer::intValue).toArray(),
                sources.stream().mapToInt(Integer::intValue).toArray());
    }

    private static InterchangeSubspace goldenSpace() {
        double[] byRow = GoldenProbes.doubles(FILE, "das.R");
        double[][] basis = new double[4][byRow.length / 4];
        for (int i = 0; i < byRow.length; i++) {
            basis[i % 4][i / 4] = byRow[i];
        }
        return InterchangeSubspace.of(basis);
    }

    /** The direction between the class means of the training half. */
    private static InterchangeSubspace massMean() {
        int[][] half = Arrays.copyOf(tokens, 400);
        ActivationCache cache =
                ActivationCache.record(model, Prompts.of(model.config(), half), Capture.of(List.of(POINT)));
        int d = golden.columns();
        double[] values = new double[half.length * d];
        for (int i = 0; i < values.length; i++) {
            values[i] = cache.row(POINT, i / d, LAST)[i % d];
        }
        LabelledRows rows = LabelledRows.of(new Matrix(half.length, d, values), Arrays.copyOf(labels, half.length));
        return InterchangeSubspace.of(new ProbeMethod.MassMean().fit(rows).direction());
    }

    @Test
    void theGradientOfTheCrossEntropyInTheDirections() {
        Interchanges.Loss loss = golden.loss(goldenSpace(), golden.labels());
        assertThat(loss.value())
                .isCloseTo(DAS.require("random_4").require("cross_entropy").number(), within(1e-4));
        double[] expected = GoldenProbes.doubles(FILE, "das.grad");
        double[] found = new double[expected.length];
        for (int i = 0; i < found.length; i++) {
            found[i] = loss.gradient()[i % 4][i / 4];
        }
        GoldenProbes.assertClose("gradient", found, expected, 1e-4);
    }

    @Test
    void accuraciesOfTheBaselines() {
        double[][] differences =
                golden.follow(List.of(goldenSpace(), InterchangeSubspace.whole(golden.columns()), massMean()));
        String[] names = {"random_4", "whole_space", "mass_mean_1"};
        for (int i = 0; i < names.length; i++) {
            Json expected = DAS.require(names[i]);
            assertThat(Interchanges.accuracy(differences[i]))
                    .as(names[i])
                    .isEqualTo(expected.require("iia").number());
            assertThat(Sums.mean(differences[i]))
                    .as(names[i])
                    .isCloseTo(expected.require("logit_difference").number(), within(1e-4));
        }
    }

    @Test
    void aTrainedSubspaceCarriesTheAnswerToUnseenPairs() {
        Interchanges training = training(POINT);
        AlignmentSearch search = AlignmentSearch.of(2).seed(3);
        InterchangeSubspace trained = search.fit(training);
        InterchangeSubspace start = search.random(training.columns(), 0);
        assertThat(training.loss(trained, training.labels()).value())
                .isLessThan(0.6 * training.loss(start, training.labels()).value());
        double[][] differences = golden.follow(List.of(trained, start, search.fitPermuted(training)));
        double accuracy = Interchanges.accuracy(differences[0]);
        // The reference trained on other pairs: one of the 24 may fall to the other side.
        Json expected = DAS.require("trained_2");
        assertThat(accuracy).isCloseTo(expected.require("iia_on_other_rows").number(), within(0.042));
        assertThat(Sums.mean(differences[0]))
                .isCloseTo(expected.require("logit_difference").number(), within(0.6));
        assertThat(Interchanges.accuracy(differences[1])).isLessThan(0.2);
        assertThat(Interchanges.accuracy(differences[2])).isLessThan(accuracy);
        double[][] basis = trained.basis();
        assertThat(Vectors.dot(basis[0], basis[1])).isCloseTo(0, within(1e-12));
        assertThat(Vectors.norm(basis[1])).isCloseTo(1, within(1e-12));
        assertThat(search.fit(training).basis()).isDeepEqualTo(trained.basis());
    }

    @Test
    void badInputIsNamed() {
        int d = golden.columns();
        assertThatThrownBy(() -> AlignmentSearch.of(0))
                .isInstanceOf(BadInputException.class)
                .hasMessage("an alignment search needs at least 1 dimension, found 0");
        assertThatThrownBy(() -> AlignmentSearch.of(d + 1).fit(golden))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("from 1 to " + d + " dimensions, found " + (d + 1));
        assertThatThrownBy(() -> AlignmentSearch.of(1).steps(0))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("from 1 to 100000 steps, found 0");
        assertThatThrownBy(golden::only)
                .isInstanceOf(BadInputException.class)
                .hasMessage("there is no pair of prompts");
        assertThatThrownBy(() -> golden.follow(List.of()))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("at least one subspace");
        assertThatThrownBy(() -> golden.follow(List.of(InterchangeSubspace.random(1, d + 1, CounterRandom.of(1)))))
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining((d + 1) + " values per token");
    }
}
