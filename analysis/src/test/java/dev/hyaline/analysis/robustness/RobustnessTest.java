package dev.hyaline.analysis.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Scores of variations against a reference in float64, and variations whose verdict is known. */
final class RobustnessTest {
    private static final CounterRandom RANDOM = CounterRandom.of(1);
    private static JsonNode golden;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void read() throws IOException {
        try (InputStream in = RobustnessTest.class.getResourceAsStream("golden.json")) {
            golden = JsonMapper.shared().readTree(in);
        }
    }

    /** Of one pair with a gap of 1, so that effects are shares. */
    private static Variation ofShares(String family, String name, double[] shares) {
        double[][] effects = new double[shares.length][];
        Arrays.setAll(effects, c -> new double[] {shares[c]});
        return new Variation(family, name, finding(effects), new double[] {1}, 1, List.of("pair"), null);
    }

    private static Finding finding(double[][] effects) {
        return new Finding(
                IntStream.range(0, effects.length).mapToObj(c -> "a0.h" + c).toList(), effects, null);
    }

    private static double[] doubles(JsonNode node) {
        return node.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    @Test
    void similaritiesOfTheReference() {
        List<Variation> variations = new ArrayList<>();
        for (JsonNode variation : golden.get("variations").values()) {
            variations.add(ofShares(
                    variation.get("family").asString(),
                    variation.get("name").asString(),
                    doubles(variation.get("shares"))));
        }
        Robustness robustness = Robustness.of(
                ofShares("finding", "", doubles(golden.get("finding"))),
                variations,
                golden.get("smallest").asDouble(),
                3,
                RANDOM);
        assertThat(robustness.variations()).hasSize(13);
        for (int i = 0; i < 13; i++) {
            Robustness.Scored scored = robustness.variations().get(i);
            JsonNode expected = golden.get("variations").get(i);
            assertThat(scored.ranking())
                    .as(scored.name())
                    .isCloseTo(expected.get("ranking").asDouble(), within(1e-9));
            assertThat(scored.signs())
                    .as(scored.name())
                    .isEqualTo(expected.get("signs").asDouble());
            assertThat(scored.set())
                    .as(scored.name())
                    .isEqualTo(expected.get("set").asDouble());
        }
        assertThat(robustness.families().keySet())
                .containsExactly("ablation", "prompts", "strata", "order", "metric", "beginning");
        assertThat(robustness.families().get("ablation"))
                .isCloseTo(
                        (robustness.variations().get(0).score()
                                        + robustness.variations().get(1).score())
                                / 2,
                        within(1e-12));
        assertThat(robustness.score())
                .isCloseTo(
                        robustness.families().values().stream()
                                        .mapToDouble(Double::doubleValue)
                                        .sum()
                                / 6,
                        within(1e-12));
    }

    /** Of one pair, so that a circuit's metric is its faithfulness. */
    private static Variation ofCircuit(Variation of, double faithfulness) {
        return new Variation(
                of.family(),
                of.name(),
                of.finding(),
                of.gaps(),
                of.accuracy(),
                of.units(),
                new KeptCircuit(new double[] {faithfulness}, new double[] {0}, new double[] {1}));
    }

    /**
     * The score of a whole study of a circuit: ranking, signs, set and faithfulness by variation, family and in all.
     */
    @Test
    void theScoreOfTheReference() {
        List<Variation> variations = new ArrayList<>();
        for (JsonNode variation : golden.get("variations").values()) {
            variations.add(ofCircuit(
                    ofShares(
                            variation.get("family").asString(),
                            variation.get("name").asString(),
                            doubles(variation.get("shares"))),
                    variation.get("faithfulness").asDouble()));
        }
        Variation finding = ofCircuit(
                ofShares("finding", "", doubles(golden.get("finding"))),
                golden.get("faithfulness").asDouble());
        Robustness robustness =
                Robustness.of(finding, variations, golden.get("smallest").asDouble(), 3, RANDOM);
        for (int i = 0; i < variations.size(); i++) {
            Robustness.Scored scored = robustness.variations().get(i);
            JsonNode expected = golden.get("variations").get(i);
            assertThat(scored.effect())
                    .as(scored.name())
                    .isCloseTo(expected.get("effect").asDouble(), within(1e-9));
            assertThat(scored.score())
                    .as(scored.name())
                    .isCloseTo(expected.get("score").asDouble(), within(1e-9));
            assertThat(scored.map()).isNaN();
        }
        for (String family : robustness.families().keySet()) {
            assertThat(robustness.families().get(family))
                    .as(family)
                    .isCloseTo(golden.get("families").get(family).asDouble(), within(1e-9));
        }
        assertThat(robustness.families()).hasSize(golden.get("families").size());
        assertThat(robustness.score()).isCloseTo(golden.get("score").asDouble(), within(1e-9));
        double[] interval = doubles(golden.get("interval"));
        assertThat(Verdict.of(
                        robustness.score(),
                        new Interval(interval[0], interval[1]),
                        robustness.families().values()))
                .hasToString(golden.get("verdict").asString());
        assertThatThrownBy(() -> Robustness.of(
                        finding, List.of(ofShares("x", "bare", doubles(golden.get("finding")))), 0.1, 3, RANDOM))
                .hasMessageContaining("the variation 'bare' and the finding must both have a circuit or neither");
    }

    /** Some pairs of a condition of the reference's study, in which a circuit was kept alone too. */
    private static Variation ofStudy(String family, String name, JsonNode of, List<String> units, IntPredicate which) {
        int[] pairs = IntStream.range(0, units.size()).filter(which).toArray();
        double[] full = some(of.get("full"), pairs);
        double[] empty = some(of.get("empty"), pairs);
        double[] gaps = new double[pairs.length];
        Arrays.setAll(gaps, i -> full[i] - empty[i]);
        double[][] effects =
                of.get("loss").valueStream().map(head -> some(head, pairs)).toArray(double[][]::new);
        return new Variation(
                family,
                name,
                finding(effects),
                gaps,
                1,
                Arrays.stream(pairs).mapToObj(units::get).toList(),
                new KeptCircuit(some(of.get("kept"), pairs), empty, full));
    }

    private static double[] some(JsonNode values, int[] pairs) {
        return Arrays.stream(pairs)
                .mapToDouble(i -> values.get(i).doubleValue())
                .toArray();
    }

    private static List<String> strings(JsonNode node) {
        return node.valueStream().map(JsonNode::asString).toList();
    }

    /**
     * The interval of the reference's study, pair by pair. It does not say under which label, nor in which order of the
     * units, its 500 resamples were drawn, so that other draws stand here: two labels, names in two orders, gave lower
     * ends from .763 to .770 and upper ends from .842 to .847, where the reference has .765 and .846.
     */
    @Test
    void theIntervalOfTheReference() throws IOException {
        JsonNode study;
        try (InputStream in = RobustnessTest.class.getResourceAsStream("ioi.json")) {
            study = JsonMapper.shared().readTree(in);
        }
        List<String> units = strings(study.get("units"));
        List<String> strata = strings(study.get("strata"));
        List<String> orders = strings(study.get("order"));
        List<Variation> variations = new ArrayList<>();
        variations.add(ofStudy("ablation", "zero", study.get("zero"), units, i -> true));
        variations.add(ofStudy("ablation", "resample", study.get("resample"), units, i -> true));
        variations.add(ofStudy(
                "prompts", "discovery half", study.get("discovery"), strings(study.get("discovery_units")), i -> true));
        strata.stream()
                .distinct()
                .forEach(name -> variations.add(ofStudy(
                        "strata",
                        name,
                        study.get("finding"),
                        units,
                        i -> strata.get(i).equals(name))));
        orders.stream()
                .distinct()
                .forEach(name -> variations.add(ofStudy(
                        "order",
                        name,
                        study.get("finding"),
                        units,
                        i -> orders.get(i).equals(name))));
        variations.add(ofStudy("metric", "probability", study.get("probability"), units, i -> true));
        variations.add(ofStudy("beginning", "without the first token", study.get("bare"), units, i -> true));
        assertThat(variations).hasSize(13);
        Robustness robustness = Robustness.of(
                ofStudy("finding", "", study.get("finding"), units, i -> true),
                variations,
                golden.get("smallest").asDouble(),
                500,
                CounterRandom.of(20261128).named("ioi/robustness"));
        assertThat(robustness.score()).isCloseTo(golden.get("score").asDouble(), within(1e-4));
        double[] interval = doubles(golden.get("interval"));
        assertThat(robustness.interval().low()).isCloseTo(interval[0], within(0.006));
        assertThat(robustness.interval().high()).isCloseTo(interval[1], within(0.006));
        assertThat(robustness.verdict()).hasToString(golden.get("verdict").asString());
    }

    /** Two pairs, weighted: faithfulness is a ratio of means, not a mean of ratios. */
    @Test
    void faithfulnessIsARatioOfMeans() {
        KeptCircuit circuit = new KeptCircuit(new double[] {4, 1}, new double[] {0, 1}, new double[] {10, 3});
        assertThat(circuit.faithfulness(new double[] {1, 1})).isCloseTo(4 / 12.0, within(1e-15));
        assertThat(circuit.faithfulness(new double[] {1, 3})).isCloseTo(4 / 16.0, within(1e-15));
        assertThatThrownBy(() -> new KeptCircuit(new double[] {1}, new double[] {1, 2}, new double[] {1}))
                .hasMessageContaining("1, 2 and 1");
    }

    @Test
    void verdictsOfTheReference() {
        for (JsonNode expected : golden.get("verdicts").values()) {
            Verdict verdict = Verdict.of(
                    expected.get("score").asDouble(),
                    new Interval(
                            expected.get("low").asDouble(), expected.get("high").asDouble()),
                    Arrays.stream(doubles(expected.get("families"))).boxed().toList());
            assertThat(verdict).hasToString(expected.get("verdict").asString());
        }
    }

    /** Five components on 24 pairs of 12 units, with some noise. */
    private static Variation drawn(String family, String name, double gap, DoubleUnaryOperator change, int noise) {
        double[] of = {5, 3, -2, 0.2, 0};
        double[][] effects = new double[of.length][24];
        double[] gaps = new double[24];
        List<String> units = new ArrayList<>();
        for (int pair = 0; pair < 24; pair++) {
            for (int c = 0; c < of.length; c++) {
                effects[c][pair] = change.applyAsDouble(of[c])
                        + 0.3 * CounterRandom.of(9).with(noise).with(c).gaussian(pair);
            }
            gaps[pair] = gap + 0.5 * CounterRandom.of(8).with(noise).gaussian(pair);
            units.add("unit " + pair / 2);
        }
        return new Variation(family, name, finding(effects), gaps, 1, units, null);
    }

    @Test
    void aFindingThatStaysIsRobust() {
        Variation finding = drawn("finding", "", 10, x -> x, 0);
        List<Variation> variations = List.of(
                drawn("prompts", "others", 10, x -> x, 1),
                drawn("metric", "half the scale", 5, x -> x / 2, 2),
                drawn("metric", "gone", 0, x -> -x, 3));
        Robustness robustness = Robustness.of(finding, variations, 0.1, 200, RANDOM);
        assertThat(robustness.verdict()).isEqualTo(Verdict.ROBUST);
        assertThat(robustness.variations())
                .extracting(Robustness.Scored::inScope)
                .containsExactly(true, true, false);
        assertThat(robustness.variations().get(2).score()).isNaN();
        assertThat(robustness.interval().low()).isBetween(0.6, robustness.score());
        assertThat(robustness.interval().high())
                .isGreaterThanOrEqualTo(robustness.interval().low());
        assertThat(Robustness.of(finding, variations, 0.1, 200, RANDOM)).isEqualTo(robustness);
        assertThat(Robustness.of(finding, List.of(finding), 0.1, 50, RANDOM).score())
                .isEqualTo(1);
    }

    /** Too few units have no interval; a resample without a score counts for nothing. */
    @Test
    void anIntervalNeedsThreeUnitsAndAScore() {
        Variation finding = drawn("finding", "", 10, x -> x, 0);
        List<String> two = new ArrayList<>();
        for (int pair = 0; pair < 24; pair++) {
            two.add("unit " + pair % 2);
        }
        Variation ofTwo =
                new Variation("prompts", "two", finding.finding(), finding.gaps(), finding.accuracy(), two, null);
        Robustness without = Robustness.of(ofTwo, List.of(ofTwo), 0.1, 20, RANDOM);
        assertThat(without.interval().low()).isNaN();
        assertThat(without.interval().high()).isNaN();
        assertThat(without.verdict()).isEqualTo(Verdict.UNCERTAIN);
        // Of one pair among 12 units: a third of the resamples have none of it.
        Variation rare = new Variation(
                "prompts",
                "rare",
                finding(new double[][] {{5}, {3}, {-2}, {0.2}, {0}}),
                new double[] {10},
                1,
                List.of("unit 0"),
                null);
        Interval interval =
                Robustness.of(finding, List.of(rare), 0.1, 200, RANDOM).interval();
        assertThat(interval.low()).isBetween(0.5, 1.0);
        assertThat(interval.high()).isBetween(interval.low(), 1.0);
    }

    /** A gap is not enough where the answer is no longer right. */
    @Test
    void aVariationWithoutTheRightAnswersIsOutOfScope() {
        Variation finding = drawn("finding", "", 10, x -> x, 0);
        Variation wrong = drawn("templates", "unseen", 5, x -> x / 2, 2);
        Variation unseen =
                new Variation(wrong.family(), wrong.name(), wrong.finding(), wrong.gaps(), 0.5, wrong.units(), null);
        Robustness robustness =
                Robustness.of(finding, List.of(drawn("prompts", "others", 10, x -> x, 1), unseen), 0.1, 10, RANDOM);
        assertThat(robustness.variations())
                .extracting(Robustness.Scored::inScope)
                .containsExactly(true, false);
        assertThat(robustness.families()).containsOnlyKeys("prompts");
        Variation nothing = drawn("finding", "", 0, x -> x, 4);
        assertThatThrownBy(() -> Robustness.of(nothing, List.of(finding), 0.1, 10, RANDOM))
                .hasMessageContaining("there is no behaviour");
    }

    @Test
    void oneFamilyThatTurnsTheFindingMakesItFragile() {
        Robustness robustness = Robustness.of(
                drawn("finding", "", 10, x -> x, 0),
                List.of(drawn("prompts", "others", 10, x -> x, 1), drawn("metric", "turned", 10, x -> -x, 2)),
                0.1,
                200,
                RANDOM);
        assertThat(robustness.verdict()).isEqualTo(Verdict.FRAGILE);
        assertThat(robustness.families().get("metric")).isLessThan(0.1);
        assertThat(robustness.families().get("prompts")).isGreaterThan(0.9);
    }

    @Test
    void badInput() {
        Variation finding = drawn("finding", "", 10, x -> x, 0);
        assertThatThrownBy(() -> Robustness.of(finding, List.of(), 0.1, 10, RANDOM))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("no variation has the behaviour");
        assertThatThrownBy(() -> Robustness.of(finding, List.of(finding), 0.1, 0, RANDOM))
                .hasMessage("an interval needs at least 1 resample, found 0");
        assertThatThrownBy(() -> Robustness.of(finding, List.of(finding), 0, 10, RANDOM))
                .hasMessageContaining("must be above 0, found 0.0");
        assertThatThrownBy(() ->
                        Robustness.of(finding, List.of(ofShares("x", "short", new double[] {1})), 0.1, 10, RANDOM))
                .hasMessage("the variation 'short' has other components");
        assertThatThrownBy(() -> new Variation("x", "y", finding.finding(), new double[] {1}, 1, List.of("u"), null))
                .hasMessageContaining("as many pairs");
    }

    @Test
    void halfABfloat16IsRoundedToEven() {
        assertThat(RoundedWeights.rounded(1 + 0x1p-8f)).isEqualTo(1);
        assertThat(RoundedWeights.rounded(1 + 3 * 0x1p-8f)).isEqualTo(1 + 0x1p-6f);
        assertThat(RoundedWeights.rounded(-(1 + 0x1.8p-8f))).isEqualTo(-(1 + 0x1p-7f));
        assertThat(RoundedWeights.rounded(Float.MAX_VALUE)).isEqualTo(Float.MAX_VALUE);
    }

    @Test
    void aWrittenFindingIsKnownAgain() throws IOException {
        Path file = temporary.resolve("table.json");
        Files.writeString(file, """
            {"title": "Ablation (zero) of z",
             "axes": [{"name": "layer", "labels": ["0"]}, {"name": "head", "labels": ["0", "1"]}],
             "statistics": {"effect": [-2.5, 1.25]}}
            """);
        WrittenFinding written = WrittenFinding.read(file);
        written.requireSameAs("ablate", 1, finding(new double[][] {{2, 3}, {-1.25, -1.25}}));
        written.requireSameAs("ablate", 2, finding(new double[][] {{4, 6}, {-2.5, -2.5}}));
        assertThatThrownBy(() -> written.requireSameAs("ablate", 1, finding(new double[][] {{2, 3}, {-1, -1}})))
                .hasMessageContaining("is not what ablate finds on these pairs: 1 of 2 effects differ, most that of"
                        + " a0.h1, 1.25 there and 1.00 here");
        assertThatThrownBy(() -> written.requireSameAs("ablate", 1, finding(new double[][] {{2.5}, {-1.2500062}})))
                .hasMessageContaining("1.25000 there and 1.25001 here");
        assertThatThrownBy(() -> written.requireSameAs("ablate", 1, finding(new double[][] {{2.5}, {-1.25}, {7}})))
                .hasMessageContaining("1 of 3 effects differ, most that of a0.h2, which is not there");
        Files.writeString(file, "{\"cfg\": {}, \"nodes\": {}, \"edges\": {}}");
        assertThatThrownBy(() -> WrittenFinding.read(file)).hasMessageContaining("no edge has a score");
        Files.writeString(file, "{\"cfg\": {}}");
        assertThatThrownBy(() -> WrittenFinding.read(file))
                .hasMessageContaining("expected a table of ablate, patch, attribute, lens or heads, or a circuit");
    }

    /** Of both forms; an edge without a score has none. */
    @Test
    void aWrittenCircuitHasTheScoresOfItsEdges() throws IOException {
        Path file = temporary.resolve("circuit.json");
        Files.writeString(file, """
            {"scores": "eap-ig of 5 steps", "edges": [{"edge": "input->m0", "score": 1.5}, {"edge": "m0->logits"}]}
            """);
        WrittenFinding circuit = WrittenFinding.read(file);
        assertThat(circuit.isCircuit()).isTrue();
        assertThat(circuit.title()).isEqualTo("eap-ig of 5 steps");
        assertThat(circuit.effects()).containsExactly(Map.entry("input->m0", 1.5));
        assertThatThrownBy(() -> circuit.requireSameAs("ablate", 1, finding(new double[][] {{2}})))
                .hasMessageContaining("it has scores of other components, such as input->m0");
        Files.writeString(file, """
            {"edges": {"input->m0": {"score": NaN, "in_graph": false}, "m0->logits": {"score": -2, "in_graph": true}}}
            """);
        assertThat(WrittenFinding.read(file).effects()).containsExactly(Map.entry("m0->logits", -2.0));
    }
}
