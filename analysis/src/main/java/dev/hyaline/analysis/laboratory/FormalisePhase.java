package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.util.Map;

/**
 * Completes the investigation, checks it against the model, and says of what it is.
 *
 * @param origin the study's origin
 */
record FormalisePhase(Investigation investigation, StudyOrigin origin, Gpt2Config config)
        implements Phase<StudyOrigin, byte[]> {
    static final String NAME = "1-formalise";
    static final String FILE = "hypothesis.json";
    static final String PATH = NAME + "/" + FILE;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public StudyOrigin read(StudyFiles before) {
        return origin;
    }

    @Override
    public byte[] run(StudyOrigin input, PhaseRun run) {
        investigation.requireFits(config);
        Json completed = Json.readObject(InputErrors.INSTANCE, "the investigation", investigation.toJson());
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-hypothesis/1");
            json.writeStringProperty("title", investigation.title());
            Written.strings("sentences", investigation.explain(), json);
            json.writeArrayPropertyStart("claims");
            for (Claim claim : investigation.claims()) {
                json.writeStartObject();
                json.writeStringProperty("name", claim.name());
                json.writeStringProperty("sentence", claim.sentence());
                json.writeBooleanProperty("primary", claim.primary());
                json.writeEndObject();
            }
            json.writeEndArray();
            input.write(json);
            json.writeObjectPropertyStart("shape");
            json.writeNumberProperty("layers", config.nLayers());
            json.writeNumberProperty("heads", config.nHeads());
            json.writeNumberProperty("width", config.dModel());
            json.writeNumberProperty("vocabulary", config.dVocab());
            json.writeNumberProperty("context", config.nCtx());
            json.writeEndObject();
            completed.write("investigation", json);
            json.writeEndObject();
        });
    }

    @Override
    public Map<String, byte[]> files(byte[] output) {
        return Map.of(FILE, output);
    }

    /** The investigation that the phase wrote. */
    static Investigation investigation(StudyFiles files) {
        return Investigation.parse(
                PATH, files.json(PATH).require("investigation").toString());
    }
}
