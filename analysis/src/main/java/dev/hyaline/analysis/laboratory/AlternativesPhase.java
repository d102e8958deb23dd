package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.alternative.Alternative;
import dev.hyaline.analysis.investigation.alternative.BuiltInAlternatives;
import dev.hyaline.files.JsonText;
import java.util.Map;

/** Lists the rivals of each claim, and what each of them says, before any prompt is drawn. */
record AlternativesPhase() implements Phase<Investigation, byte[]> {
    static final String NAME = "2-alternatives";
    static final String FILE = "alternatives.json";
    static final String PATH = NAME + "/" + FILE;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Investigation read(StudyFiles before) {
        return FormalisePhase.investigation(before);
    }

    @Override
    public byte[] run(Investigation investigation, PhaseRun run) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-alternatives/1");
            json.writeArrayPropertyStart("alternatives");
            for (AlternativeKind kind : investigation.alternatives()) {
                json.writeStartObject();
                json.writeStringProperty("name", kind.toString());
                if (kind == AlternativeKind.GENERIC_DAMAGE) {
                    Written.strings("against", investigation.specificAgainst(), json);
                } else {
                    Alternative alternative = BuiltInAlternatives.of(kind);
                    json.writeStringProperty("prediction", alternative.prediction());
                    json.writeArrayPropertyStart("claims");
                    for (Claim claim : investigation.claims()) {
                        if (alternative.concerns(claim)) {
                            json.writeStartObject();
                            json.writeStringProperty("claim", claim.name());
                            json.writeBooleanProperty("control", alternative.isControlOf(claim));
                            json.writeBooleanProperty("required", alternative.isRequiredBy(claim));
                            json.writeEndObject();
                        }
                    }
                    json.writeEndArray();
                }
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    @Override
    public Map<String, byte[]> files(byte[] output) {
        return Map.of(FILE, output);
    }
}
