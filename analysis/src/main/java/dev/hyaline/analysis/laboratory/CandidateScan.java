package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.investigation.discovery.ComponentScan;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.DiscoveryHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.HalfEvidence;
import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.analysis.statistics.association.Stability;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.CounterRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Every candidate ablated alone on the discovery half. It nominates, and no verdict depends on it. */
final class CandidateScan {
    static final String FILE = "scan.json";
    static final String PATH = DiscoveryPhase.NAME + "/" + FILE;

    private static final String STUDY = "discovery";

    private CandidateScan() {}

    static byte[] run(StudyModel model, Investigation investigation, HalfEvidence<DiscoveryHalf> half, double gap) {
        CircuitSearch search = investigation.circuit();
        Replacement replacement = search == null ? Replacement.MEAN_BY_POSITION : search.replacement();
        ComponentScan scan =
                ComponentScan.run(half.evidence(), replacement, search == null ? Candidates.HEADS : search.of());
        List<Effect> effects =
                scan.effects(STUDY, investigation.seed(), model.model().threads());
        double threshold = investigation.smallestEffect().inMetric(gap);
        Stability stability =
                scan.stability(threshold, CounterRandom.of(investigation.seed()).named(STUDY + "/scan/stability"));
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-scan/1");
            json.writeStringProperty("ablation", replacement.toString());
            json.writeStringProperty("unit", investigation.behaviour().measure().unit());
            json.writeNumberProperty("layers", model.model().config().nLayers());
            json.writeNumberProperty("heads", model.model().config().nHeads());
            json.writeArrayPropertyStart("components");
            for (int i = 0; i < effects.size(); i++) {
                write(scan.components().get(i), effects.get(i), json);
            }
            json.writeEndArray();
            json.writeObjectPropertyStart("essential");
            Written.number("loss_at_least", threshold, json);
            Written.strings("components", scan.essential(threshold), json);
            json.writeNumberProperty("resamples", ComponentScan.RESAMPLES);
            Written.number("similarity_of_resamples", stability.mean(), json);
            Written.interval("interval", stability.interval(VerdictInterval.DIRECTED_TAIL), json);
            json.writeBooleanProperty("stable", stability.mean() >= ComponentScan.UNSTABLE);
            json.writeObjectPropertyStart("inclusion");
            stability.inclusion().forEach((name, share) -> Written.number(name, share.value(), json));
            json.writeEndObject();
            json.writeEndObject();
            json.writeEndObject();
        });
    }

    private static void write(ClaimComponent component, Effect effect, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("component", component.toString());
        Written.number("loss", effect.estimate(), json);
        Written.interval("interval", effect.interval(), json);
        Written.number("p", orNaN(effect.p()), json);
        Written.number("adjusted_p", orNaN(effect.adjustedP()), json);
        json.writeBooleanProperty("stands_out", effect.standsOut());
        json.writeEndObject();
    }

    private static double orNaN(@Nullable Double value) {
        return value == null ? Double.NaN : value;
    }

    /** Writes the map of the heads of a file, layer by layer. */
    static void map(Json scan, JsonGenerator json) {
        List<Json> heads = scan.require("components").elements().stream()
                .filter(component ->
                        ClaimComponent.parse(component.require("component").string()) instanceof HeadComponent)
                .toList();
        json.writeObjectPropertyStart("heads");
        for (String key : List.of("ablation", "unit", "layers", "heads")) {
            scan.require(key).write(key, json);
        }
        numbers(
                "loss",
                heads.stream()
                        .mapToDouble(head -> head.require("loss").number())
                        .toArray(),
                json);
        numbers("low", heads.stream().mapToDouble(head -> end(head, 0)).toArray(), json);
        numbers("high", heads.stream().mapToDouble(head -> end(head, 1)).toArray(), json);
        numbers(
                "adjusted_p",
                heads.stream()
                        .mapToDouble(head ->
                                head.nullable("adjusted_p").map(Json::number).orElse(Double.NaN))
                        .toArray(),
                json);
        scan.require("essential").write("essential", json);
        json.writeEndObject();
    }

    private static double end(Json head, int end) {
        return head.nullable("interval")
                .map(interval -> interval.elements().get(end).number())
                .orElse(Double.NaN);
    }

    private static void numbers(String key, double[] values, JsonGenerator json) {
        json.writeArrayPropertyStart(key);
        for (double value : values) {
            if (Double.isFinite(value)) {
                json.writeNumber(value);
            } else {
                json.writeNull();
            }
        }
        json.writeEndArray();
    }
}
