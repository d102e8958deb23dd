package dev.hyaline.analysis.investigation.alternative;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimMeasurement;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.GoldenStudy;
import dev.hyaline.analysis.investigation.HypothesisVerdict.Rival;
import dev.hyaline.analysis.investigation.ReferenceRuns;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.investigation.alternative.AlternativeFinding.Standing;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Alternatives of the study of fable's indirect objects, against PyTorch in float64. */
final class AlternativeTest {
    private static final double TOLERANCE = 1e-4;
    private static final TestDesign DESIGN = new TestDesign(0.05);
    private static final Treatment ABLATE = new Treatment.AblateComponents(Replacement.MEAN_BY_POSITION);
    private static final Treatment KEEP = new Treatment.KeepOnly(Replacement.MEAN_BY_POSITION, Candidates.HEADS);
    private static final Expectation COSTS = new Expectation.Decrease(new EffectAmount(1, EffectUnit.METRIC));

    private static JsonNode golden;
    private static Gpt2 model;
    private static Evidence heldOut;
    private static double gap;

    @BeforeAll
    static void open() {
        golden = GoldenStudy.read("fable-ioi-alternatives.json");
        model = GoldenStudy.model();
        heldOut = GoldenStudy.evidence(model, GoldenStudy.half("held-out"));
        gap = GoldenStudy.values().get("gap_discovery").doubleValue();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static TestedClaim tested(Treatment treatment, Expectation expectation, ClaimComponent... components) {
        return tested(treatment, expectation, List.of(components));
    }

    private static TestedClaim tested(Treatment treatment, Expectation expectation, List<ClaimComponent> components) {
        Claim claim = new Claim("claim", treatment, components, expectation, true);
        return TestedClaim.of(heldOut, claim, gap, DESIGN, "ioi", GoldenStudy.SEED);
    }

    private static ClaimComponent head(int layer, int head) {
        return new ClaimComponent.HeadComponent(layer, head);
    }

    private static Evidence few(int count) {
        return GoldenStudy.evidence(model, Arrays.copyOf(GoldenStudy.half("held-out"), count));
    }

    @Test
    void theSameRandomSets() {
        CounterRandom root = CounterRandom.of(GoldenStudy.SEED);
        RandomSets sets = RandomSets.of(
                model.config(),
                GoldenStudy.circuit(),
                name -> List.of(),
                199,
                0.05,
                label -> root.named("ioi/" + label));
        assertThat(sets.all()).isFalse();
        assertThat(sets.modelWide()).isFalse();
        List<String> names = sets.sets().stream()
                .map(set -> String.join(
                        " ", set.stream().map(ClaimComponent::toString).toList()))
                .toList();
        assertThat(names)
                .containsExactlyElementsOf(golden.get("random")
                        .get("sets")
                        .valueStream()
                        .map(JsonNode::asString)
                        .toList());
        Evidence evidence = few(6);
        double[][] kept = evidence.runEach(KEEP, sets.sets().subList(0, 3));
        double[][] without = evidence.runEach(ABLATE, sets.sets().subList(0, 3));
        for (int set = 0; set < 3; set++) {
            assertThat(kept[set])
                    .containsExactly(
                            GoldenStudy.doubles(
                                    golden.get("random").get("keep_only").get(set)),
                            within(TOLERANCE));
            assertThat(without[set])
                    .containsExactly(
                            GoldenStudy.doubles(
                                    golden.get("random").get("knock_out").get(set)),
                            within(TOLERANCE));
        }
    }

    @Test
    void theSameRanks() {
        JsonNode random = golden.get("random");
        for (String name : List.of("keep_only", "knock_out")) {
            double[] controls = GoldenStudy.doubles(
                    random.get(name.equals("keep_only") ? "keep_only_faithfulness" : "knock_out_share"));
            assertThat(RankP.of(random.get("circuit_" + name).doubleValue(), controls))
                    .isEqualTo(random.get(name + "_p").doubleValue());
        }
        double[] losses = new double[4];
        for (int head = 0; head < 4; head++) {
            losses[head] = tested(
                            ABLATE,
                            COSTS,
                            GoldenStudy.components(GoldenStudy.HEADS).get(head))
                    .mean();
            double clean = Arrays.stream(heldOut.clean()).average().orElseThrow();
            double[] controls = Arrays.stream(GoldenStudy.doubles(
                            golden.get("norm_matched").get("mean").get(head)))
                    .map(mean -> clean - mean)
                    .toArray();
            assertThat(RankP.of(losses[head], controls))
                    .isEqualTo(golden.get("norm_matched").get("p").get(head).doubleValue());
        }
    }

    @Test
    void oneHeadIsRankedAmongAllOfTheModel() {
        AlternativeFinding finding = new RandomComponents(199).test(tested(ABLATE, COSTS, head(1, 0)));
        assertThat(finding.controls()).hasSize(31);
        assertThat(finding.value()).isEqualTo(2.0 / 32);
        assertThat(finding.standing()).isEqualTo(Standing.NOT_EXCLUDED);
        assertThat(finding.control()).isFalse();
        assertThat(finding.words()).isEqualTo("1 of 31 other sets of 1 in any layer do as well");
    }

    @Test
    void twoHeadsAreRankedAmongAllPairsOfTheirLayer() {
        AlternativeFinding finding = new RandomComponents(199).test(tested(ABLATE, COSTS, head(1, 0), head(1, 3)));
        assertThat(finding.controls()).hasSize(27);
        assertThat(finding.value()).isEqualTo(1.0 / 28);
        assertThat(finding.isExcluded()).isTrue();
        assertThat(AlternativeFinding.controlsBeaten(
                        List.of(finding),
                        tested(ABLATE, COSTS, head(1, 0), head(1, 3)).claim()))
                .isTrue();
    }

    @Test
    void displacementsTurnedToRandomDirections() {
        // The reference counted pairs through both halves; the first of the held-out one is the ninth.
        Evidence evidence = GoldenStudy.evidence(model, IntStream.range(0, 14).toArray());
        for (int head = 0; head < 4; head++) {
            Claim claim = new Claim(
                    "claim",
                    ABLATE,
                    List.of(GoldenStudy.components(GoldenStudy.HEADS).get(head)),
                    COSTS,
                    true);
            TestedClaim tested = TestedClaim.of(evidence, claim, gap, DESIGN, "ioi", GoldenStudy.SEED);
            double[][] turned = new NormMatched(39).turned(tested, new int[] {0, 38});
            for (int draw = 0; draw < 2; draw++) {
                assertThat(Arrays.copyOfRange(turned[draw], 8, 14))
                        .containsExactly(
                                GoldenStudy.doubles(golden.get("norm_matched")
                                        .get("first")
                                        .get(head)
                                        .get(draw)),
                                within(TOLERANCE));
            }
        }
    }

    @Test
    void manyComponentsAreTurnedTogether() {
        Evidence evidence = few(3);
        Claim claim = new Claim("claim", ABLATE, List.of(head(1, 0), head(1, 3)), COSTS, true);
        TestedClaim tested = TestedClaim.of(evidence, claim, gap, DESIGN, "ioi", GoldenStudy.SEED);
        AlternativeFinding finding = new NormMatched(39).test(tested);
        assertThat(finding.controls()).hasSize(39);
        assertThat(finding.value()).isEqualTo(0.025);
        assertThat(finding.control()).isFalse();
    }

    @Test
    void effectsByOrder() {
        // 1.3 inhibits the subject in either order; 2.4 looks at the first name.
        AlternativeFinding inhibits = new PositionOnly().test(tested(ABLATE, COSTS, head(1, 3)));
        assertThat(inhibits.isExcluded()).isTrue();
        AlternativeFinding first = new PositionOnly().test(tested(ABLATE, COSTS, head(2, 4)));
        assertThat(first.standing()).isEqualTo(Standing.NOT_EXCLUDED);
        double worst = golden.get("by_order")
                .get("2.4")
                .valueStream()
                .mapToDouble(order -> order.get("loss").doubleValue())
                .min()
                .orElseThrow();
        assertThat(worst).isNegative();
        assertThat(first.value()).isLessThan(worst);
        TestedClaim looks = tested(
                new Treatment.Attend("end", "IO"), new Expectation.AttentionAtLeast(0.3), head(2, 4), head(2, 6));
        double atSubject = golden.get("by_order")
                .get("2.4")
                .get("BABA")
                .get("attention")
                .get("S1")
                .doubleValue();
        assertThat(new PositionOnly().test(looks).words())
                .contains("2.4 attends to S1 with ")
                .contains("2.6 attends to S1 with ")
                .contains(" in the order S1 IO S2")
                .contains(Float.toString((float) atSubject).substring(0, 5));
    }

    @Test
    void factorialOfOrderAndAnswer() {
        assertThat(new Recency().test(tested(ABLATE, COSTS, head(1, 3))).isExcluded())
                .isTrue();
        assertThat(new Recency().test(tested(ABLATE, COSTS, head(2, 4))).standing())
                .isEqualTo(Standing.NOT_EXCLUDED);
    }

    @Test
    void frequencyIsAskedOfACorpusOrOfTheModel() {
        TestedClaim inhibits = tested(ABLATE, COSTS, head(1, 3));
        assertThat(FrequencyOnly.ofModel().test(inhibits).isExcluded()).isTrue();
        // A corpus in which frequency is the effect itself.
        double[] effect = inhibits.values();
        Map<Integer, Double> frequency = new LinkedHashMap<>();
        assertThat(effect).hasSize(48);
        AlternativeFinding constant =
                FrequencyOnly.of(token -> frequency.getOrDefault(token, 1.0)).test(inhibits);
        assertThat(constant.value()).isZero();
        assertThat(constant.isExcluded()).isTrue();
    }

    @Test
    void coinsForLabels() {
        assertThat(new ShuffledLabels().test(tested(ABLATE, COSTS, head(1, 3))).value())
                .isLessThanOrEqualTo(0.0002);
        // The reference's coin, which exchanges answers of half of the prompts, leaves a mean of chance.
        double[] coin = Arrays.stream(GoldenStudy.half("held-out"))
                .mapToDouble(pair -> golden.get("coin").get(pair).doubleValue())
                .toArray();
        TestedClaim true3 = tested(ABLATE, COSTS, head(1, 3));
        double[] before = heldOut.clean();
        double[] after = true3.measurement().after().clone();
        for (int pair = 0; pair < coin.length; pair++) {
            before[pair] *= coin[pair];
            after[pair] *= coin[pair];
        }
        AlternativeFinding byLot = new ShuffledLabels()
                .test(new TestedClaim(
                        heldOut,
                        new ClaimMeasurement(true3.claim(), before, after, before),
                        gap,
                        DESIGN,
                        "ioi",
                        GoldenStudy.SEED));
        assertThat(byLot.standing()).isEqualTo(Standing.NOT_EXCLUDED);
    }

    @Test
    void zerosKeepLittleOfTheCircuit() {
        AlternativeFinding finding =
                new OffManifold().test(tested(KEEP, new Expectation.FaithfulnessAtLeast(0.8), GoldenStudy.circuit()));
        assertThat(finding.standing()).isEqualTo(Standing.NOT_EXCLUDED);
        assertThat(finding.words()).endsWith("; the claim is limited to mean-by-position, resample");
        assertThat(new OffManifold().test(tested(ABLATE, COSTS, head(1, 3))).isExcluded())
                .isTrue();
        assertThat(OffManifold.factor(1, -1)).isInfinite();
        assertThat(OffManifold.factor(0, 0)).isEqualTo(1);
        assertThat(OffManifold.factor(-4, -2)).isEqualTo(2);
    }

    @Test
    void backupsOfAHeadThatSeemsIdle() {
        Expectation none = new Expectation.NoEffect(new EffectAmount(0.5, EffectUnit.METRIC));
        assertThat(new SelfRepair().test(tested(ABLATE, none, head(3, 7))).isExcluded())
                .isTrue();
        AlternativeFinding needed = new SelfRepair().test(tested(ABLATE, none, head(2, 4)));
        assertThat(needed.standing()).isEqualTo(Standing.NOT_EXCLUDED);
        assertThat(needed.required()).isTrue();
    }

    @Test
    void theCircuitServesOtherBehavioursToo() {
        Map<String, Evidence> others = new LinkedHashMap<>();
        for (String name : List.of("capitals", "likes")) {
            JsonNode behaviour = golden.get("specificity").get(name);
            List<PromptPair> pairs = new ArrayList<>();
            for (JsonNode prompt : behaviour.get("prompts")) {
                int[] tokens = GoldenStudy.ints(prompt.get("clean"));
                pairs.add(new PromptPair(
                        name,
                        tokens,
                        tokens,
                        GoldenStudy.ints(prompt.get("answer")),
                        GoldenStudy.ints(prompt.get("distractor")),
                        Map.of()));
            }
            PromptPairs all = PromptPairs.of(model.config(), pairs);
            Prompts own = all.clean(model.config());
            int[] zeros = new int[pairs.size()];
            Evidence evidence = Evidence.of(
                    Experiment.start(model, all, Metric.logitDifference()),
                    ReferenceRuns.of(model, List.of(own), zeros, zeros));
            assertThat(evidence.clean())
                    .containsExactly(GoldenStudy.doubles(behaviour.get("clean")), within(TOLERANCE));
            assertThat(evidence.run(ABLATE, GoldenStudy.circuit()))
                    .containsExactly(GoldenStudy.doubles(behaviour.get("knock_out")), within(TOLERANCE));
            others.put(name, evidence);
        }
        AlternativeFinding finding =
                GenericDamage.on(others, Candidates.HEADS).test(tested(ABLATE, COSTS, GoldenStudy.circuit()));
        assertThat(finding.standing()).isEqualTo(Standing.NOT_EXCLUDED);
        assertThat(finding.value())
                .isGreaterThanOrEqualTo(
                        golden.get("specificity").get("capitals").get("share").doubleValue());
        assertThat(finding.words()).startsWith("it costs 0.9092").contains("capitals 0.987", "likes 0.767");
    }

    @Test
    void whatIsNotTestedSaysWhy() {
        Evidence abba = GoldenStudy.evidence(
                model,
                IntStream.range(0, 96)
                        .filter(pair -> GoldenStudy.values()
                                .get("order")
                                .get(pair)
                                .asString()
                                .equals("ABBA"))
                        .limit(4)
                        .toArray());
        Claim claim = new Claim("claim", ABLATE, List.of(head(1, 3)), COSTS, true);
        TestedClaim tested = TestedClaim.of(abba, claim, gap, DESIGN, "ioi", 1);
        assertThat(new PositionOnly().test(tested).words())
                .isEqualTo("the roles of all prompts stand in one order; prompts with another would tell");
        assertThat(new Recency().test(tested).standing()).isEqualTo(Standing.NOT_TESTED);
        assertThat(new ShuffledLabels().test(tested).words())
                .startsWith("with ")
                .contains(" units no mean lies");
    }

    @Test
    void rivalsOfAHypothesis() {
        List<AlternativeFinding> findings = List.of(
                finding("shuffled-labels", "a", true, Standing.EXCLUDED),
                finding("shuffled-labels", "b", true, Standing.NOT_TESTED),
                finding("recency", "a", false, Standing.NOT_EXCLUDED),
                finding("off-manifold", "a", false, Standing.EXCLUDED));
        assertThat(AlternativeFinding.rivals(findings))
                .containsExactly(
                        new Rival("shuffled-labels", true, false),
                        new Rival("recency", false, false),
                        new Rival("off-manifold", false, true));
    }

    private static AlternativeFinding finding(String name, String claim, boolean required, Standing standing) {
        return new AlternativeFinding(name, claim, false, required, standing, "p", 0.01, 0.05, 1, List.of(), "words");
    }

    @Test
    void aUsersOwnAlternativeIsASmallClass() {
        Alternative own = new Alternative() {
            @Override
            public String name() {
                return "last-layer";
            }

            @Override
            public String prediction() {
                return "the last layer does as much";
            }

            @Override
            public boolean concerns(Claim claim) {
                return true;
            }

            @Override
            public AlternativeFinding test(TestedClaim claim) {
                double[] after = claim.evidence().run(claim.claim().treatment(), List.of(head(3, 7)));
                return AlternativeFinding.decided(
                        this,
                        claim,
                        claim.mean(after) < claim.mean(),
                        "mean",
                        claim.mean(after),
                        claim.mean(),
                        after,
                        "");
            }
        };
        assertThat(own.test(tested(ABLATE, COSTS, head(1, 3))).isExcluded()).isTrue();
        assertThat(BuiltInAlternatives.all()).hasSize(AlternativeKind.values().length - 1);
        assertThat(BuiltInAlternatives.all().stream().map(Alternative::name))
                .allMatch(name -> Arrays.stream(AlternativeKind.values())
                        .anyMatch(kind -> kind.toString().equals(name)));
    }

    @Test
    void badValuesAreRefused() {
        assertThatThrownBy(() -> new RandomComponents(5))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a rank among random components needs at least 19 sets, found 5");
        assertThatThrownBy(() -> GenericDamage.on(Map.of("capitals", heldOut), Candidates.HEADS))
                .isInstanceOf(BadInputException.class)
                .hasMessage("damage is generic or not by at least 2 other behaviours, found 1");
        assertThatThrownBy(() -> BuiltInAlternatives.of(AlternativeKind.GENERIC_DAMAGE))
                .isInstanceOf(BadInputException.class)
                .hasMessage("generic damage is tested on evidence of other behaviours");
        assertThatThrownBy(() -> tested(ABLATE, COSTS, new ClaimComponent.CircuitMembers(-1)))
                .isInstanceOf(BadInputException.class);
    }
}
