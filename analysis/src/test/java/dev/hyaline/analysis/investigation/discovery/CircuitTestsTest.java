package dev.hyaline.analysis.investigation.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.GoldenStudy;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.association.Stability;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The circuit of fable's indirect objects, against PyTorch in float64. */
final class CircuitTestsTest {
    private static JsonNode golden;
    private static Gpt2 model;

    @BeforeAll
    static void open() {
        golden = GoldenStudy.read("fable-ioi-alternatives.json");
        model = GoldenStudy.model();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void theSameResamples() {
        ComponentScan scan = ComponentScan.run(
                GoldenStudy.evidence(model, GoldenStudy.half("discovery")),
                Replacement.MEAN_BY_POSITION,
                Candidates.HEADS);
        assertThat(scan.essential(1).stream().map(ClaimComponent::toString))
                .containsExactly("1.0", "1.3", "2.4", "2.6");
        Stability stability =
                scan.stability(1, CounterRandom.of(GoldenStudy.SEED).named("ioi/stability"));
        golden.get("stability")
                .get("inclusion")
                .properties()
                .forEach(head -> assertThat(
                                stability.inclusion().containsKey(head.getKey())
                                        ? stability
                                                .inclusion()
                                                .get(head.getKey())
                                                .successes()
                                        : 0)
                        .as(head.getKey())
                        .isEqualTo(head.getValue().intValue()));
        assertThat(stability.mean())
                .isCloseTo(golden.get("stability").get("jaccard_mean").doubleValue(), within(1e-12));
        assertThat(stability.interval(0.025).low())
                .isCloseTo(
                        golden.get("stability").get("jaccard_interval95").get(0).doubleValue(), within(1e-12));
        assertThat(scan.effects("ioi", 1, 1)).hasSize(32);
    }

    @Test
    void theCircuitUnderTest() {
        int[] heldOut = GoldenStudy.half("held-out");
        Evidence evidence = GoldenStudy.evidence(model, heldOut);
        CircuitTests tests =
                CircuitTests.run(evidence, GoldenStudy.circuit(), Replacement.MEAN_BY_POSITION, Candidates.HEADS);
        assertThat(tests.sufficiency().value())
                .isCloseTo(golden.get("random").get("circuit_keep_only").doubleValue(), within(1e-5));
        assertThat(tests.necessity())
                .isCloseTo(golden.get("random").get("circuit_knock_out").doubleValue(), within(1e-5));
        JsonNode equivalence = golden.get("equivalence");
        assertThat(tests.better().successes())
                .isEqualTo(equivalence.get("circuit_above_model").intValue());
        assertThat(tests.equivalenceP()).isBetween(0.05, 0.5);
        double[] empty = GoldenStudy.doubles(GoldenStudy.values().get("values").get("empty"));
        double[] clean = GoldenStudy.doubles(GoldenStudy.values().get("values").get("clean"));
        double gap = mean(clean, heldOut) - mean(empty, heldOut);
        for (int member = 0; member < 9; member++) {
            double[] without =
                    GoldenStudy.doubles(golden.get("keep_only_without").get(member));
            assertThat(tests.completeness().get(member).circuitWithout())
                    .isCloseTo((mean(without, heldOut) - mean(empty, heldOut)) / gap, within(1e-5));
        }
        // Only the subject's heads are missed more than nine tenths of the others.
        assertThat(tests.minimality().get(2).member()).hasToString("1.3");
        assertThat(tests.minimality().get(2).exceeded().value()).isEqualTo(1);
        assertThat(tests.smallestMinimalityP()).isGreaterThan(0.05);
    }

    private static double mean(double[] values, int[] chosen) {
        return Arrays.stream(chosen).mapToDouble(i -> values[i]).average().orElseThrow();
    }

    @Test
    void twoHeadsAtATimeAndTheirShares() {
        Evidence evidence = GoldenStudy.evidence(model, GoldenStudy.half("held-out"));
        CounterRandom root = CounterRandom.of(GoldenStudy.SEED);
        List<ComponentInteraction> found = ComponentInteraction.measure(
                evidence, GoldenStudy.components(GoldenStudy.HEADS), Replacement.MEAN_BY_POSITION, 0.025, root::named);
        assertThat(found).hasSize(6);
        for (int pair = 0; pair < 6; pair++) {
            JsonNode expected = golden.get("pairs").get(pair);
            assertThat(found.get(pair).first())
                    .hasToString(expected.get("pair").get(0).asString());
            assertThat(found.get(pair).second())
                    .hasToString(expected.get("pair").get(1).asString());
            assertThat(found.get(pair).mean()).isCloseTo(expected.get("mean").doubleValue(), within(2e-4));
        }
        assertThat(found.get(0).relation(0.05)).isEqualTo(ComponentInteraction.Relation.REDUNDANT);
        assertThat(found.get(2).relation(0.05)).isEqualTo(ComponentInteraction.Relation.UNCLEAR);
        assertThat(found.get(2).relation(1)).isEqualTo(ComponentInteraction.Relation.SERIAL);

        JsonNode shapley = golden.get("shapley");
        ComponentShapley shares = ComponentShapley.measure(
                evidence,
                GoldenStudy.components(shapley.get("players")
                        .valueStream()
                        .map(JsonNode::asString)
                        .toList()),
                GoldenStudy.circuit(),
                new Treatment.KeepOnly(Replacement.MEAN_BY_POSITION, Candidates.HEADS),
                root.named("shapley"));
        for (int player = 0; player < 4; player++) {
            assertThat(shares.values().get(player))
                    .isCloseTo(shapley.get("shapley").get(player).doubleValue(), within(2e-4));
            for (int other = 0; other < 4; other++) {
                assertThat(shares.interactions().get(player).get(other))
                        .isCloseTo(
                                shapley.get("interaction")
                                        .get(player)
                                        .get(other)
                                        .doubleValue(),
                                within(4e-4));
            }
        }
        assertThat(shares.sumError()).isLessThan(1e-9);
    }

    @Test
    void theBehaviourTakenApart() {
        Evidence evidence = GoldenStudy.evidence(model, Arrays.copyOf(GoldenStudy.half("held-out"), 24));
        Hierarchy hierarchy = Hierarchy.run(
                evidence,
                new Hierarchy.Bounds(4, 0.05, Replacement.MEAN_BY_POSITION),
                CounterRandom.of(1).named("hierarchy"));
        List<Hierarchy.HierarchyLevel> levels = hierarchy.levels();
        assertThat(levels.get(0).parts().getFirst().gate()).isEqualTo(Hierarchy.Gate.BY_TEST);
        assertThat(levels.get(1).parts()).hasSize(8);
        Hierarchy.HierarchyPart attention = levels.get(1).parts().stream()
                .filter(part -> part.name().equals("attention 1"))
                .findFirst()
                .orElseThrow();
        assertThat(attention.gate()).isEqualTo(Hierarchy.Gate.BY_TEST);
        Hierarchy.HierarchyPart head = levels.get(2).parts().stream()
                .filter(part -> part.name().equals("1.3"))
                .findFirst()
                .orElseThrow();
        assertThat(head.parent()).isEqualTo("attention 1");
        assertThat(head.gate()).isEqualTo(Hierarchy.Gate.BY_TEST);
        // A part is never surer than what it belongs to.
        assertThat(head.adjustedP()).isGreaterThanOrEqualTo(attention.adjustedP());
        assertThat(levels.get(3).parts().stream().map(Hierarchy.HierarchyPart::name))
                .contains("1.3 q", "1.3 k", "1.3 v");
        Hierarchy none = Hierarchy.run(
                evidence,
                new Hierarchy.Bounds(1000, 0.05, Replacement.MEAN_BY_POSITION),
                CounterRandom.of(1).named("hierarchy"));
        assertThat(none.levels()).hasSize(1);
        assertThat(none.end()).isEqualTo("the behaviour is not clearly there, so that there is nothing to take apart");
        assertThatThrownBy(() -> new Hierarchy.Bounds(0, 0.05, Replacement.ZERO))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the smallest effect is a number above 0, found 0.0");
    }

    @Test
    void badCircuitsAreRefused() {
        Evidence evidence = GoldenStudy.evidence(model, new int[] {0, 1});
        assertThatThrownBy(() -> CircuitTests.run(evidence, List.of(), Replacement.ZERO, Candidates.HEADS))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a circuit under test has members and leaves others out, found 0 members and 32 others");
        assertThatThrownBy(() -> new ComponentScan(List.of(new HeadComponent(0, 0)), new double[2][2], Units.each(2)))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a scan has the losses of each of at least one component, found 2 of 1");
    }
}
