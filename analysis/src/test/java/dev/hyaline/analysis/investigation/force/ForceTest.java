package dev.hyaline.analysis.investigation.force;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.NeuronComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.GoldenStudy;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Forced activation of fable's heads, against PyTorch in float64. */
final class ForceTest {
    private static final double TOLERANCE = 1e-4;
    private static final int[] SOME = IntStream.range(8, 16).toArray();

    private static JsonNode golden;
    private static Gpt2 model;
    private static Evidence discovery;
    private static Evidence some;

    @BeforeAll
    static void open() {
        golden = GoldenStudy.read("fable-ioi-alternatives.json");
        model = GoldenStudy.model();
        discovery = GoldenStudy.evidence(model, GoldenStudy.half("discovery"));
        some = GoldenStudy.evidence(model, SOME);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static void agrees(double[] values, JsonNode expected) {
        double[] all = GoldenStudy.doubles(expected);
        assertThat(values)
                .containsExactly(
                        IntStream.of(SOME).mapToDouble(pair -> all[pair]).toArray(), within(TOLERANCE));
    }

    private static List<ClaimComponent> head(int index) {
        return List.of(GoldenStudy.components(GoldenStudy.HEADS).get(index));
    }

    @Test
    void valuesOfAnActiveHead() {
        golden.get("active_prompts").properties().forEach(head -> {
            ClaimComponent component = ClaimComponent.parse(head.getKey());
            int active = head.getValue().intValue();
            if (active < MeanActive.MIN_PROMPTS) {
                assertThatThrownBy(() -> MeanActive.of(discovery, component, "end", "IO"))
                        .isInstanceOf(BadInputException.class)
                        .hasMessage(component + " is active (attention from end to IO of at least 0.5) on " + active
                                + " of 48 prompts; a mean takes at least 8");
            } else {
                assertThat(MeanActive.of(discovery, component, "end", "IO").active())
                        .isEqualTo(active);
            }
        });
        for (int index = 2; index < 4; index++) {
            MeanActive force = MeanActive.of(discovery, head(index).getFirst(), "end", "IO");
            agrees(
                    ForceResult.run(force, some, Side.CLEAN, head(index), "end").after(),
                    golden.get("mean_active_at_end").get(index));
            agrees(
                    ForceResult.run(force, some, Side.CORRUPTED, head(index), "end")
                            .after(),
                    golden.get("mean_active_in_corrupted").get(index));
        }
    }

    @Test
    void donorsBothWays() {
        JsonNode values = GoldenStudy.values().get("values");
        for (int index = 0; index < 4; index++) {
            List<ForceResult> results = ForceResult.bothWays(Force.donor(), some, head(index), "end");
            assertThat(results).hasSize(8);
            agrees(results.get(0).after(), values.get("donor_at_end").get(index));
            agrees(results.get(2).after(), values.get("donor_all").get(index));
            agrees(results.get(4).after(), values.get("restore_at_end").get(index));
            assertThat(results.get(1).control()).isEqualTo("a donor with the same answer does nothing");
        }
        List<ForceResult> circuit = ForceResult.bothWays(Force.donor(), some, GoldenStudy.circuit(), "end");
        agrees(circuit.get(2).after(), values.get("donor_circuit"));
        agrees(circuit.get(6).after(), values.get("restore_circuit"));
    }

    @Test
    void headsThatLook() {
        JsonNode values = GoldenStudy.values().get("values");
        for (int index = 0; index < 4; index++) {
            agrees(
                    ForceResult.run(Force.look("end", "S1"), some, Side.CLEAN, head(index), "end")
                            .after(),
                    values.get("look_S1").get(index));
        }
        List<ForceResult> both = ForceResult.bothWays(Force.look("end", "IO"), some, head(3), "end");
        assertThat(both.stream().map(ForceResult::control))
                .containsExactly(
                        "",
                        "looking at S1 does something else",
                        "looking at S2 does something else",
                        "",
                        "looking at S1 does something else",
                        "looking at S2 does something else");
    }

    @Test
    void steeringByDoses() {
        Steer steer = Steer.of(discovery, new HeadComponent(1, 3), "end", 1);
        DoseResponse response = DoseResponse.measure(
                steer, some, Side.CLEAN, "end", 0.025, CounterRandom.of(1).named("steer"));
        assertThat(response.changes()).hasSize(4).allMatch(change -> change < 0);
        assertThat(response.slope()).isNegative();
        assertThat(response.interval()).isNotNull();
        assertThat(response.interval().contains(response.slope())).isTrue();
        ForceResult one = ForceResult.run(steer, some, Side.CLEAN, List.of(new HeadComponent(1, 3)), "end");
        assertThat(one.meanChange()).isEqualTo(response.changes().get(1));
        // Nothing is added at no dose.
        assertThat(ForceResult.run(steer.at(0), some, Side.CLEAN, List.of(new HeadComponent(1, 3)), "end")
                        .meanChange())
                .isZero();
    }

    @Test
    void givenValues() {
        List<ClaimComponent> neuron = List.of(new NeuronComponent(1, 3));
        ForceResult high = ForceResult.run(Force.set(50), some, Side.CLEAN, neuron, null);
        assertThat(high.after()).isNotEqualTo(high.before());
        assertThat(high.force()).isEqualTo("set to 50.0");
        assertThatThrownBy(() -> MeanActive.of(discovery, new NeuronComponent(1, 3), "end", null))
                .isInstanceOf(BadInputException.class)
                .hasMessage("1.mlp[3] is active (above its 90th percentile) on 5 of 48 prompts; a mean takes at least"
                        + " 8");
        assertThat(MeanActive.of(discovery, new HeadComponent(1, 3), "end", null)
                        .active())
                .isEqualTo(12);
    }

    @Test
    void badForcesAreRefused() {
        ClaimComponent head = new HeadComponent(1, 3);
        assertThatThrownBy(() ->
                        ForceResult.run(Force.donor(), some, Side.CLEAN, List.of(new ComponentAt(head, "S2")), null))
                .isInstanceOf(BadInputException.class)
                .hasMessage("1.3@S2 names its position; give the component and the role apart");
        assertThatThrownBy(() -> ForceResult.run(
                        Force.look("end", "IO"), some, Side.CLEAN, List.of(new NeuronComponent(0, 0)), "end"))
                .isInstanceOf(BadInputException.class)
                .hasMessage("only whole heads can be made to look, found 0.mlp[0]");
        MeanActive mean = MeanActive.of(discovery, new HeadComponent(2, 4), "end", "IO");
        assertThatThrownBy(() -> ForceResult.run(mean, some, Side.CLEAN, List.of(head), "end"))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the mean is that of 2.4, not of 1.3");
    }
}
