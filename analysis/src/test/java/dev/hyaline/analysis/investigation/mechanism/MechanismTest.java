package dev.hyaline.analysis.investigation.mechanism;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.attention.HeadType;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimOutcome;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.GoldenStudy;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.probe.InterchangeSubspace;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.weights.CompositionMode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Mechanisms of a model whose circuit is known, and of fable against reference values. */
final class MechanismTest {
    private static final HeadComponent PREVIOUS = new HeadComponent(0, 4);
    private static final HeadComponent MOVER = new HeadComponent(1, 5);
    private static final HeadComponent NOISE = new HeadComponent(0, 0);

    private static Gpt2 planted;
    private static Gpt2 fable;
    private static MechanismStudy known;
    private static MechanismStudy ioi;

    @BeforeAll
    static void open() {
        planted = PlantedStudy.model();
        fable = GoldenStudy.model();
        known = PlantedStudy.study(planted);
        ioi = MechanismStudy.of(
                GoldenStudy.evidence(fable, GoldenStudy.half("held-out")),
                GoldenStudy.values().get("gap_discovery").doubleValue(),
                new TestDesign(0.05),
                "ioi",
                GoldenStudy.SEED);
    }

    @AfterAll
    static void close() {
        planted.close();
        fable.close();
    }

    private static MechanismFinding test(Mechanism mechanism) {
        return MechanismFinding.test(mechanism, known, "claim");
    }

    private static ClaimOutcome outcome(Mechanism mechanism) {
        return test(mechanism).verdict().outcome();
    }

    @Test
    void thePlantedHeadLooksAtTheTokenBefore() {
        assertThat(outcome(new Attends(List.of(PREVIOUS), HeadType.PREVIOUS_TOKEN, Attends.SCORE)))
                .isEqualTo(ClaimOutcome.CONFIRMED);
        assertThat(outcome(new Attends(List.of(PREVIOUS), HeadType.CURRENT_TOKEN, Attends.SCORE)))
                .isEqualTo(ClaimOutcome.REFUTED);
        assertThat(outcome(new Attends(List.of(PREVIOUS, NOISE), HeadType.PREVIOUS_TOKEN, Attends.SCORE)))
                .isEqualTo(ClaimOutcome.REFUTED);
    }

    @Test
    void thePlantedMoverContinuesWhatCameBefore() {
        MechanismFinding found = test(new Induction(List.of(MOVER), List.of(PREVIOUS), null, 0.4));
        assertThat(found.subClaims()).hasSize(3);
        assertThat(found.verdict().isConfirmed()).as("%s", found).isTrue();
        assertThat(outcome(new Induction(List.of(MOVER), List.of(NOISE), null, 0.4)))
                .isEqualTo(ClaimOutcome.REFUTED);
        assertThat(outcome(new Induction(List.of(NOISE), List.of(), null, 0.4))).isEqualTo(ClaimOutcome.REFUTED);
    }

    @Test
    void thePlantedMlpPassesTheMoversEffectOn() {
        Receiver logits = Receiver.of(Node.logits());
        Node mover = new Node.Head(1, 5);
        assertThat(outcome(new Mediates(mover, new Node.Mlp(2), logits, 0.5))).isEqualTo(ClaimOutcome.CONFIRMED);
        assertThat(outcome(new Mediates(mover, new Node.Mlp(1), logits, 0.5))).isEqualTo(ClaimOutcome.REFUTED);
    }

    @Test
    void thePlantedHeadSetsWhereTheMoverLooks() {
        Composes composes =
                new Composes(PREVIOUS, MOVER, CompositionMode.K, "end", "answer", false, Replacement.ZERO, 0.2);
        MechanismFinding found = test(composes);
        assertThat(found.verdict().isConfirmed()).as("%s", found).isTrue();
        assertThat(found.subClaims().getLast().p()).isEqualTo(1.0 / 200);
        MechanismFinding away =
                test(new Composes(PREVIOUS, MOVER, CompositionMode.K, "end", "answer", true, Replacement.ZERO, 0.2));
        assertThat(away.verdict()).hasToString("refuted (opposite)");
        assertThat(away.deciding().orElseThrow().name()).isEqualTo("attention of 1.5");
        assertThat(test(new Composes(NOISE, MOVER, CompositionMode.K, "end", "answer", false, Replacement.ZERO, 0.2))
                        .verdict()
                        .isConfirmed())
                .isFalse();
    }

    @Test
    void ranksAndAttributionsOfTheReference() {
        JsonNode golden = GoldenStudy.read("fable-ioi-alternatives.json");
        int[] heldOut = GoldenStudy.half("held-out");
        for (int index = 0; index < 4; index++) {
            HeadComponent head =
                    (HeadComponent) GoldenStudy.components(GoldenStudy.HEADS).get(index);
            double[] ranks = GoldenStudy.doubles(golden.get("copy_rank").get(index));
            double[] attributions =
                    GoldenStudy.doubles(golden.get("direct_attribution").get(index));
            assertThat(OvCircuit.ranks(ioi, head, "IO"))
                    .as("%s", head)
                    .containsExactly(IntStream.of(heldOut)
                            .mapToDouble(pair -> ranks[pair])
                            .toArray());
            assertThat(ioi.directAttribution(head, "end"))
                    .containsExactly(
                            IntStream.of(heldOut)
                                    .mapToDouble(pair -> attributions[pair])
                                    .toArray(),
                            within(1e-4));
        }
    }

    @Test
    void fablesHeadSuppressesTheSubject() {
        List<HeadComponent> heads = List.of(new HeadComponent(1, 3));
        MechanismFinding found = MechanismFinding.test(
                new Suppresses(
                        heads,
                        "end",
                        "S2",
                        "IO",
                        List.of("logits"),
                        Replacement.MEAN_BY_POSITION,
                        0.3,
                        new EffectAmount(1, EffectUnit.METRIC),
                        0.5),
                ioi,
                "inhibits");
        assertThat(found.subClaims().subList(0, 3))
                .allMatch(finding -> finding.verdict().isConfirmed());
        assertThat(found.subClaims().get(1).bound()).isEqualTo(1);
        // It acts through the queries of later heads, not on the logits.
        assertThat(found.verdict().isConfirmed()).isFalse();
        assertThat(found.deciding().orElseThrow().name()).isEqualTo("path to logits");
    }

    @Test
    void fablesNameMoversGoByPosition() {
        MechanismFinding found = MechanismFinding.test(
                new Copies(List.of(new HeadComponent(2, 4)), "end", "IO", List.of("S1", "S2"), 0.3, 5, 0.75),
                ioi,
                "copies");
        assertThat(found.subClaims()).hasSize(7);
        SubClaimFinding ranked = found.subClaims().get(2);
        assertThat(ranked.name()).isEqualTo("2.4 ranks the token");
        assertThat(ranked.verdict().isConfirmed()).isTrue();
        assertThat(found.verdict().isConfirmed()).isFalse();
    }

    @Test
    void fableHoldsTheSubjectAtItsSecondMention() {
        HookPoint point = HookPoints.point("blocks.1.hook_resid_pre");
        EffectAmount half = new EffectAmount(0.5, EffectUnit.GAP);
        MechanismFinding held = MechanismFinding.test(
                new Encodes(
                        point,
                        "S2",
                        null,
                        pair -> pair.position("IO") < pair.position("S1") ? "first" : "second",
                        0.8,
                        half,
                        Encodes.SELECTIVITY),
                ioi,
                "held");
        assertThat(held.subClaims()).hasSize(3);
        assertThat(held.subClaims().get(0).verdict().isConfirmed()).isTrue();
        // The prompts' order does not show in the token of the subject.
        assertThat(held.subClaims().get(2).verdict().isConfirmed()).isFalse();
        InterchangeSubspace line = InterchangeSubspace.random(1, fable.config().dModel(), CounterRandom.of(3));
        MechanismFinding chance = MechanismFinding.test(
                new Encodes(point, "S2", line, null, Encodes.FOLLOWS, half, Encodes.SELECTIVITY), ioi, "chance");
        assertThat(chance.subClaims()).hasSize(5);
        assertThat(chance.subClaims().get(4).name()).isEqualTo("the whole");
        assertThat(chance.subClaims().get(4).verdict().isConfirmed()).isTrue();
        assertThat(chance.subClaims().get(0).verdict()).hasToString("refuted (negligible)");
        assertThat(chance.subClaims().get(3).verdict().isConfirmed()).isFalse();
        assertThatThrownBy(
                        () -> new Encodes(HookPoints.point("blocks.1.attn.hook_z"), "S2", null, null, 0.9, half, 0.2))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a variable is held by a site with one vector for each position, found"
                        + " blocks.1.attn.hook_z");
    }

    @Test
    void mechanismsOfAFile() {
        Investigation investigation = Investigation.parse("a file", """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "claims": [
              {"name": "inhibits", "mechanism": "suppresses", "components": ["1.3"], "role": "S2",
               "answer_role": "IO", "expect": {"decrease": 1}},
              {"name": "moves", "mechanism": "copies", "components": ["2.4"], "role": "IO"},
              {"name": "holds", "mechanism": "encodes", "components": "blocks.1.hook_resid_pre", "role": "S2",
               "variable": "answer"},
              {"name": "waits", "mechanism": "first-token", "components": ["3.7"], "score_at_least": 0.5}]}
            """);
        assertThat(Investigation.parse("again", new String(investigation.toJson(), StandardCharsets.UTF_8)))
                .isEqualTo(investigation);
        List<Claim> claims = investigation.claims();
        assertThat(StatedMechanism.of(claims.get(0), fable.config(), ioi.pairs()))
                .isEqualTo(new Suppresses(
                        List.of(new HeadComponent(1, 3)),
                        "end",
                        "S2",
                        "IO",
                        List.of(),
                        Replacement.MEAN_BY_POSITION,
                        0.3,
                        new EffectAmount(1, EffectUnit.METRIC),
                        0.5));
        assertThat(StatedMechanism.of(claims.get(1), fable.config(), ioi.pairs()))
                .isEqualTo(
                        new Copies(List.of(new HeadComponent(2, 4)), "end", "IO", List.of("S1", "S2"), 0.3, 5, 0.75));
        assertThat(StatedMechanism.of(claims.get(2), fable.config(), ioi.pairs()))
                .isInstanceOfSatisfying(
                        Encodes.class,
                        encodes -> assertThat(encodes.point()).isEqualTo(HookPoints.point("blocks.1.hook_resid_pre")));
        assertThat(StatedMechanism.of(claims.get(3), fable.config(), ioi.pairs()))
                .isEqualTo(new Attends(List.of(new HeadComponent(3, 7)), HeadType.FIRST_TOKEN, 0.5));
        assertThat(claims.get(1).sentence())
                .isEqualTo(
                        "ablating 2.4 (mean-by-position) lowers it by at least 0.1 of the gap, and they are said to be"
                            + " of the mechanism copies, role IO, attention at least 0.3, rank at most 5.0, share of"
                            + " prompts at least 0.75");
    }

    @Test
    void badMechanismsAreRefused() {
        refused("\"mechanism\": \"copies\"", "claims[0].role is missing; it is a name that the mechanism copies needs");
        refused("\"mechanism\": \"copys\", \"role\": \"IO\"", "one of copies, suppresses,");
        refused(
                "\"mechanism\": \"copies\", \"role\": \"IO\", \"attention_at_least\": 2",
                "claims[0]: attention_at_least of the mechanism copies is a share above 0 and at most 1, found 2.0");
        refused(
                "\"mechanism\": \"copies\", \"role\": \"IO\", \"receiver\": \"2.1\"",
                "claims[0].receiver means nothing");
        assertThatThrownBy(() ->
                        new Composes(MOVER, PREVIOUS, CompositionMode.Q, "end", "IO", false, Replacement.ZERO, 0.2))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a head composes with one of a later layer, found 1.5 and 0.4");
        assertThatThrownBy(() -> new Copies(List.of(), "end", "IO", List.of("S1"), 0.3, 5, 0.75))
                .isInstanceOf(BadInputException.class)
                .hasMessage("copies is claimed of at least one head");
        assertThatThrownBy(() -> new Mediates(new Node.Mlp(1), new Node.Head(1, 0), Receiver.of(Node.logits()), 0.5))
                .isInstanceOf(BadInputException.class);
    }

    private static void refused(String keys, String message) {
        String json =
                "{\"format\": \"hyaline-investigation/1\", \"model\": \"fable\", \"behaviour\": {\"task\": \"ioi\"},"
                        + " \"claims\": [{\"name\": \"a\", \"components\": \"1.3\", " + keys + "}]}";
        assertThatThrownBy(() -> Investigation.parse("a file", json))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(message);
    }

    @Test
    void alikeValues() {
        SubClaim all = SubClaim.atLeast("all", "", 0.75, study -> new SubClaim.Sample(ones(16), Units.each(16)));
        assertThat(SubClaimFinding.of(all, known, "").verdict().isConfirmed()).isTrue();
        SubClaim few = SubClaim.atLeast("few", "", 0.75, study -> new SubClaim.Sample(ones(8), Units.each(8)));
        assertThat(SubClaimFinding.of(few, known, "").verdict()).hasToString("inconclusive (imprecise)");
        SubClaim two = SubClaim.atLeast("two", "", 0.75, study -> new SubClaim.Sample(ones(2), Units.each(2)));
        assertThat(SubClaimFinding.of(two, known, "").verdict()).hasToString("inconclusive (too-few-units)");
        SubClaim none = SubClaim.noEffect("none", "", 0.01, study -> new SubClaim.Sample(new double[8], Units.each(8)));
        assertThat(SubClaimFinding.of(none, known, "").verdict().isConfirmed()).isTrue();
        assertThat(test(Mechanism.general()).verdict().isConfirmed()).isTrue();
    }

    private static double[] ones(int n) {
        return IntStream.range(0, n).mapToDouble(i -> 1).toArray();
    }
}
