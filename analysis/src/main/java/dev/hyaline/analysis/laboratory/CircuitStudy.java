package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.discovery.CircuitTests;
import dev.hyaline.analysis.investigation.discovery.CircuitTests.MemberCompleteness;
import dev.hyaline.analysis.investigation.discovery.CircuitTests.MemberMinimality;
import dev.hyaline.analysis.investigation.discovery.ComponentInteraction;
import dev.hyaline.analysis.investigation.discovery.ComponentShapley;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.HeldOutHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.HalfEvidence;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.CounterRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * The circuit that the discovery half gave, tested on the held-out half: as a whole, member by member, and its members
 * two at a time.
 *
 * @param circuit its members
 */
record CircuitStudy(
        Investigation claimed, HalfEvidence<HeldOutHalf> half, CircuitSearch search, List<ClaimComponent> circuit) {
    static final String FILE = "circuit.json";
    static final String PATH = HeldOutPhase.NAME + "/" + FILE;

    /** Orders for Shapley values: with 8 members all sets are measured, with more those along the orders. */
    private static final int ORDERS = 32;

    /** The relative error of a sum that counts as conserved. */
    private static final double CONSERVED = 1e-4;

    private static final String STUDY = "held-out/circuit/";

    byte[] run() {
        Evidence evidence = half.evidence();
        CircuitTests tests = null;
        String problem = null;
        try {
            tests = CircuitTests.run(evidence, circuit, search.replacement(), search.of());
        } catch (BadInputException e) {
            // The circuit is empty or has every candidate.
            problem = e.getMessage();
        }
        CircuitTests tested = tests;
        String untested = problem;
        List<ComponentInteraction> interactions = circuit.size() < 2
                ? List.of()
                : ComponentInteraction.measure(
                        evidence, circuit, search.replacement(), VerdictInterval.DIRECTED_TAIL, this::random);
        ComponentShapley shapley = circuit.isEmpty() || circuit.size() > ComponentShapley.MAX_PLAYERS
                ? null
                : ComponentShapley.measure(
                        evidence,
                        circuit,
                        circuit,
                        new Treatment.KeepOnly(search.replacement(), search.of()),
                        ORDERS,
                        random("shapley"));
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-circuit/1");
            Written.strings("members", circuit, json);
            Written.text("problem", untested, json);
            if (tested != null) {
                write(tested, json);
            }
            json.writeArrayPropertyStart("interactions");
            interactions.forEach(interaction -> write(interaction, json));
            json.writeEndArray();
            write(shapley, json);
            json.writeEndObject();
        });
    }

    private CounterRandom random(String label) {
        return CounterRandom.of(claimed.seed()).named(STUDY + label);
    }

    private static void write(CircuitTests tests, JsonGenerator json) {
        json.writeObjectPropertyStart("tests");
        Written.number("sufficiency", tests.sufficiency().value(), json);
        Written.number("mean_absolute_gap", tests.sufficiency().meanAbsoluteGap(), json);
        Written.number("necessity", tests.necessity(), json);
        Written.number("better_than_model", tests.better().value(), json);
        Written.number("equivalence_p", tests.equivalenceP(), json);
        Written.number("smallest_minimality_p", tests.smallestMinimalityP(), json);
        json.writeArrayPropertyStart("members");
        for (int i = 0; i < tests.circuit().size(); i++) {
            MemberCompleteness complete = tests.completeness().get(i);
            MemberMinimality minimal = tests.minimality().get(i);
            json.writeStartObject();
            json.writeStringProperty("component", complete.member().toString());
            Written.number("circuit_without", complete.circuitWithout(), json);
            Written.number("model_without", complete.modelWithout(), json);
            Written.number("incompleteness", complete.incompleteness(), json);
            Written.number("change", minimal.change(), json);
            Written.number("share_exceeded", minimal.exceeded().value(), json);
            Written.number("adjusted_p", minimal.adjustedP(), json);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void write(ComponentInteraction interaction, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("a", interaction.first().toString());
        json.writeStringProperty("b", interaction.second().toString());
        Written.number("estimate", interaction.mean(), json);
        Written.interval("interval", interaction.interval(), json);
        Written.number("adjusted_p", interaction.adjustedP(), json);
        json.writeStringProperty(
                "word", interaction.relation(claimed.design().alpha()).toString());
        json.writeEndObject();
    }

    private static void write(@Nullable ComponentShapley shapley, JsonGenerator json) {
        json.writeArrayPropertyStart("shapley");
        if (shapley != null) {
            for (int i = 0; i < shapley.players().size(); i++) {
                json.writeStartObject();
                json.writeStringProperty("component", shapley.players().get(i).toString());
                Written.number("value", shapley.values().get(i), json);
                // Values from all sets have no error of drawing.
                Written.number(
                        "standard_error",
                        shapley.standardErrors().isEmpty()
                                ? Double.NaN
                                : shapley.standardErrors().get(i),
                        json);
                json.writeEndObject();
            }
        }
        json.writeEndArray();
        if (shapley != null) {
            json.writeObjectPropertyStart("shapley_sum");
            Written.number("whole", shapley.whole(), json);
            Written.number("error", shapley.sumError(), json);
            json.writeBooleanProperty("conserved", shapley.sumError() <= CONSERVED * Math.abs(shapley.whole()));
            json.writeEndObject();
        }
    }
}
