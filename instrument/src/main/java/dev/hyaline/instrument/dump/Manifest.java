package dev.hyaline.instrument.dump;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.capture.Capture;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * The JSON beside a dump that says how to make it again. Equal dumps on one machine have equal manifests: it holds no
 * time and no folder.
 */
final class Manifest {
    /** Names the layout of this JSON; a change that breaks a reader gets a new number. */
    static final String FORMAT = "hyaline-dump/1";

    /** Names the scalar whose gradients a dump holds in place of values. */
    static final String GRADIENT_OF = "gradient_of";

    private Manifest() {}

    static byte[] json(Dump dump, Gpt2 model, Provenance provenance, String sha256, long overflowed) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", FORMAT);
            json.writeStringProperty("tool", provenance.tool());
            strings(json, "command", provenance.command());
            json.writeObjectPropertyStart("model");
            json.writeStringProperty("name", provenance.model());
            model(json, dump.config(), model.weights().processing(), provenance);
            json.writeEndObject();
            prompts(json, dump.prompts(), provenance);
            capture(json, dump);
            if (!dump.edits().list().isEmpty()) {
                strings(json, "interventions", dump.edits().describe());
            }
            dump.gradientOf().ifPresent(scalar -> json.writeStringProperty(GRADIENT_OF, scalar));
            activations(json, dump, sha256, overflowed);
            environment(json, model);
            json.writeEndObject();
        });
    }

    /** The facts of a model that decide the values. */
    static void model(JsonGenerator json, Gpt2Config config, List<String> processing, Provenance provenance) {
        json.writeArrayPropertyStart("files");
        for (Provenance.ModelFile file : provenance.modelFiles()) {
            json.writeStartObject();
            json.writeStringProperty("name", file.name());
            json.writeNumberProperty("bytes", file.bytes());
            json.writeStringProperty("sha256", file.sha256());
            json.writeEndObject();
        }
        json.writeEndArray();
        strings(json, "processing", processing);
        json.writeObjectPropertyStart("config");
        ConfigKeys.of(config).forEach((key, literal) -> {
            json.writeName(key);
            json.writeRawValue(literal);
        });
        json.writeEndObject();
    }

    private static void prompts(JsonGenerator json, Prompts prompts, Provenance provenance) {
        token(json, "token_prepended_to_text", provenance.prependedToken());
        json.writeArrayPropertyStart("prompts");
        for (int s = 0; s < prompts.size(); s++) {
            int[] tokens = prompts.tokens(s);
            json.writeStartObject();
            json.writeStringProperty("source", prompts.name(s));
            json.writeName("tokens");
            json.writeArray(tokens, 0, tokens.length);
            json.writeArrayPropertyStart("text");
            for (int token : tokens) {
                json.writeString(provenance.tokenText().apply(token));
            }
            json.writeEndArray();
            SortedMap<String, Integer> roles = prompts.roles(s);
            if (!roles.isEmpty()) {
                json.writeObjectPropertyStart("positions");
                roles.forEach(json::writeNumberProperty);
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void capture(JsonGenerator json, Dump dump) {
        Capture capture = dump.capture();
        json.writeObjectPropertyStart("capture");
        strings(json, "points", capture.points().stream().map(HookPoint::name).toList());
        json.writeStringProperty("positions", capture.positions().toString());
        strings(json, "roles", capture.roles());
        json.writeStringProperty("sequences", dump.sequences().toString());
        json.writeStringProperty("heads", capture.heads().toString());
        json.writeStringProperty("neurons", capture.neurons().toString());
        json.writeEndObject();
    }

    private static void activations(JsonGenerator json, Dump dump, String sha256, long overflowed) {
        json.writeObjectPropertyStart("activations");
        json.writeStringProperty("file", dump.format().fileName());
        json.writeStringProperty("format", dump.format().toString());
        json.writeStringProperty("dtype", dump.type().toString());
        json.writeStringProperty("layout", dump.plan().isBatch() ? "batch" : "token-major");
        json.writeNumberProperty("bytes", dump.fileBytes());
        json.writeStringProperty("sha256", sha256);
        json.writeNumberProperty("overflowed_values", overflowed);
        tensors(json, dump.plan().tensors(), "shape");
        json.writeEndObject();
    }

    /** @param shape the key of a tensor's shape */
    static void tensors(JsonGenerator json, List<TensorInfo> tensors, String shape) {
        json.writeArrayPropertyStart("tensors");
        for (TensorInfo tensor : tensors) {
            json.writeStartObject();
            json.writeStringProperty("name", tensor.name());
            json.writeStringProperty("dtype", tensor.type().toString());
            json.writeArrayPropertyStart(shape);
            tensor.shape().forEach(json::writeNumber);
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Writes a token, or null if there is none. */
    static void token(JsonGenerator json, String name, @Nullable Integer token) {
        json.writeName(name);
        if (token == null) {
            json.writeNull();
        } else {
            json.writeNumber(token);
        }
    }

    /** The facts that the values do not depend on. */
    static void environment(JsonGenerator json, Gpt2 model) {
        json.writeObjectPropertyStart("environment");
        json.writeStringProperty("kernels", model.kernels().name());
        json.writeStringProperty("kernels_reason", model.kernels().reason());
        json.writeNumberProperty("threads", model.threads());
        json.writeStringProperty("java", Runtime.version().toString());
        json.writeStringProperty("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        json.writeEndObject();
    }

    static void strings(JsonGenerator json, String name, Iterable<String> values) {
        json.writeArrayPropertyStart(name);
        values.forEach(json::writeString);
        json.writeEndArray();
    }
}
