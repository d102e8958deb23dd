package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.StudyPlan.AutoencoderPlan;
import dev.hyaline.analysis.investigation.StudyPlan.Behaviour;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.investigation.StudyPlan.DictionaryPlan;
import dev.hyaline.analysis.investigation.StudyPlan.PromptPlan;
import dev.hyaline.analysis.investigation.Treatment.ForcedValue;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.json.InterventionJson;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Writes an investigation's file with every default. */
final class InvestigationWriter {
    private InvestigationWriter() {}

    static byte[] write(Investigation investigation) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", Investigation.FORMAT);
            json.writeStringProperty("title", investigation.title());
            json.writeStringProperty("model", investigation.model());
            json.writeNumberProperty("seed", investigation.seed());
            behaviour(investigation.behaviour(), json);
            prompts(investigation.prompts(), json);
            if (investigation.circuit() != null) {
                circuit(investigation.circuit(), json);
            }
            if (investigation.superposition() != null) {
                dictionary(investigation.superposition(), json);
            }
            autoencoders(investigation.autoencoders(), json);
            json.writeObjectPropertyStart("smallest_effect");
            json.writeNumberProperty("value", investigation.smallestEffect().value());
            unit(investigation.smallestEffect(), json);
            json.writeEndObject();
            json.writeArrayPropertyStart("claims");
            investigation.claims().forEach(claim -> claim(claim, json));
            json.writeEndArray();
            strings(
                    "alternatives",
                    investigation.alternatives().stream()
                            .map(AlternativeKind::toString)
                            .toList(),
                    json);
            strings("specific_against", investigation.specificAgainst(), json);
            json.writeObjectPropertyStart("design");
            json.writeNumberProperty("alpha", investigation.design().alpha());
            json.writeNumberProperty("power", investigation.design().power());
            json.writeNumberProperty("pilot", investigation.design().pilot());
            json.writeNumberProperty("looks", investigation.design().looks());
            json.writeStringProperty(
                    "spending", investigation.design().spending().toString());
            json.writeEndObject();
            json.writeStringProperty("sanity", investigation.checks().sanity() ? "all" : "none");
            json.writeStringProperty("robustness", investigation.checks().robustness() ? "all" : "none");
            json.writeEndObject();
        });
    }

    private static void behaviour(Behaviour behaviour, JsonGenerator json) {
        json.writeObjectPropertyStart("behaviour");
        if (!behaviour.tasks().isEmpty()) {
            json.writeStringProperty("task", StudyPlan.taskName(behaviour.tasks()));
        }
        json.writeStringProperty("metric", behaviour.metric());
        json.writeStringProperty("at", behaviour.at());
        json.writeObjectPropertyStart("present_if");
        json.writeNumberProperty("mean_at_least", behaviour.meanAtLeast());
        json.writeNumberProperty("accuracy_at_least", behaviour.accuracyAtLeast());
        json.writeEndObject();
        json.writeEndObject();
    }

    private static void prompts(PromptPlan prompts, JsonGenerator json) {
        json.writeObjectPropertyStart("prompts");
        if (prompts.file() != null) {
            json.writeStringProperty("pairs", prompts.file());
        }
        if (prompts.corpus() != null) {
            json.writeObjectPropertyStart("corpus");
            json.writeStringProperty("dump", prompts.corpus().dump());
            json.writeNumberProperty("length", prompts.corpus().length());
            json.writeEndObject();
        }
        json.writeObjectPropertyStart("draw");
        json.writeNumberProperty("discovery", prompts.discovery());
        json.writeNumberProperty("held_out", prompts.heldOut());
        json.writeEndObject();
        if (prompts.units() != null) {
            json.writeStringProperty("units", prompts.units());
        }
        strings("strata", prompts.strata(), json);
        strings("split_by", prompts.splitBy(), json);
        json.writeStringProperty("reference", prompts.reference().toString());
        json.writeEndObject();
    }

    private static void circuit(CircuitSearch search, JsonGenerator json) {
        json.writeObjectPropertyStart("circuit");
        json.writeStringProperty("discover", "iterative-ablation");
        json.writeStringProperty("of", search.of().toString());
        json.writeStringProperty("ablation", search.replacement().toString());
        json.writeNumberProperty("tau", search.tau());
        json.writeEndObject();
    }

    private static void dictionary(DictionaryPlan plan, JsonGenerator json) {
        json.writeObjectPropertyStart("superposition");
        json.writeStringProperty("site", plan.site().name());
        json.writeNumberProperty("features", plan.atoms());
        json.writeNumberProperty("latents", plan.latents());
        json.writeNumberProperty("steps", plan.steps());
        json.writeEndObject();
    }

    private static void autoencoders(SortedMap<String, AutoencoderPlan> autoencoders, JsonGenerator json) {
        if (autoencoders.isEmpty()) {
            return;
        }
        json.writeObjectPropertyStart("saes");
        autoencoders.forEach((name, plan) -> {
            json.writeObjectPropertyStart(name);
            json.writeStringProperty("file", plan.file());
            if (plan.site() != null) {
                json.writeStringProperty("site", plan.site().name());
            }
            json.writeEndObject();
        });
        json.writeEndObject();
    }

    private static void claim(Claim claim, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("name", claim.name());
        if (claim.mechanism() != null) {
            mechanism(claim.mechanism(), claim.treatment(), json);
        }
        if (!(claim.treatment() instanceof Treatment.Intervene)) {
            json.writeStringProperty("do", claim.treatment().word());
        }
        switch (claim.treatment()) {
            case Treatment.AblateComponents ablate ->
                json.writeStringProperty("ablation", ablate.replacement().toString());
            case Treatment.KeepOnly keep -> {
                json.writeStringProperty("ablation", keep.replacement().toString());
                json.writeStringProperty("of", keep.of().toString());
            }
            case Treatment.PatchComponents patch ->
                json.writeStringProperty("direction", patch.direction().toString());
            case Treatment.PatchPath path -> {
                json.writeStringProperty("direction", path.direction().toString());
                strings("to", path.to(), json);
            }
            case Treatment.LookAt look -> roles(look.from(), look.at(), json);
            case Treatment.Attend attend -> roles(attend.from(), attend.at(), json);
            case Treatment.ForceTo force -> force(force, json);
            case Treatment.Intervene intervene -> {
                Json.readObject(
                                InputErrors.INSTANCE,
                                "interventions",
                                InterventionJson.write(intervene.edits()).getBytes(StandardCharsets.UTF_8))
                        .require("interventions")
                        .write("do", json);
                into(intervene.into(), json);
            }
        }
        strings(
                "components",
                claim.components().stream().map(ClaimComponent::toString).toList(),
                json);
        Expectation expectation = claim.expectation();
        json.writeObjectPropertyStart("expect");
        json.writeNumberProperty(expectation.key(), expectation.number());
        switch (expectation) {
            case Expectation.Decrease decrease -> unit(decrease.amount(), json);
            case Expectation.Increase increase -> unit(increase.amount(), json);
            case Expectation.NoEffect none -> unit(none.amount(), json);
            default -> {
                // A share has no unit.
            }
        }
        json.writeEndObject();
        json.writeBooleanProperty("primary", claim.primary());
        json.writeEndObject();
    }

    private static void force(Treatment.ForceTo force, JsonGenerator json) {
        switch (force.value()) {
            case ForcedValue.ActiveMean(@Nullable String attended) -> {
                json.writeStringProperty("force", "mean-active");
                if (attended != null) {
                    json.writeStringProperty("attended", attended);
                }
            }
            case ForcedValue.OtherRun other -> json.writeStringProperty("force", "donor");
            case ForcedValue.GivenValues(List<Double> values) -> {
                json.writeStringProperty("force", "set");
                json.writeArrayPropertyStart("value");
                values.forEach(json::writeNumber);
                json.writeEndArray();
            }
            case ForcedValue.MeansDifference(double alpha) -> json.writeNumberProperty("alpha", alpha);
        }
        into(force.into(), json);
        json.writeStringProperty("at", force.at());
        json.writeBooleanProperty("everywhere", force.everywhere());
    }

    private static void into(Side into, JsonGenerator json) {
        json.writeStringProperty("into", into.name().toLowerCase(Locale.ROOT));
    }

    /** The key from is written with a treatment that has it. */
    private static void mechanism(MechanismClaim mechanism, Treatment treatment, JsonGenerator json) {
        json.writeStringProperty("mechanism", mechanism.kind().toString());
        if (!(treatment instanceof Treatment.LookAt) && !(treatment instanceof Treatment.Attend)) {
            json.writeStringProperty("from", mechanism.from());
        }
        mechanism.names().forEach((key, values) -> {
            if (!values.isEmpty() && !(key.equals("to") && treatment instanceof Treatment.PatchPath)) {
                strings(key, values, json);
            }
        });
        mechanism.numbers().forEach(json::writeNumberProperty);
        if (!mechanism.subspace().isEmpty()) {
            json.writeArrayPropertyStart("subspace");
            for (List<Double> direction : mechanism.subspace()) {
                json.writeStartArray();
                direction.forEach(json::writeNumber);
                json.writeEndArray();
            }
            json.writeEndArray();
        }
    }

    private static void unit(Expectation.EffectAmount amount, JsonGenerator json) {
        json.writeStringProperty("unit", amount.unit().toString());
    }

    private static void roles(String from, String at, JsonGenerator json) {
        json.writeStringProperty("from", from);
        json.writeStringProperty("at", at);
    }

    private static void strings(String key, List<String> values, JsonGenerator json) {
        json.writeArrayPropertyStart(key);
        values.forEach(json::writeString);
        json.writeEndArray();
    }
}
