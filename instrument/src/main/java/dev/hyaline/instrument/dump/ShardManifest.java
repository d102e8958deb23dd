package dev.hyaline.instrument.dump;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Remedy;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON beside shards: what was asked for, which alone decides their bytes, then the shards and what else is known
 * of their making. Like {@link Manifest} it holds no time and no folder.
 */
final class ShardManifest {
    /** Names the layout of this JSON and of the shards; a change that breaks a reader gets a new number. */
    static final String FORMAT = "hyaline-shards/1";

    private static final ObjectWriter INDENTED = JsonMapper.shared().writer().with(Manifest.indentation());

    private ShardManifest() {}

    /**
     * What decides every byte of the shards.
     *
     * @param processing what was done to the model's weights
     */
    static ObjectNode request(
            CorpusDump dump,
            ShardPlan plan,
            CorpusDump.Forecast forecast,
            List<String> processing,
            Provenance provenance) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("format", FORMAT).put("tool", provenance.tool());

        ObjectNode model = json.putObject("model");
        ArrayNode files = model.putArray("files");
        for (Provenance.ModelFile file : provenance.modelFiles()) {
            files.addObject()
                    .put("name", file.name())
                    .put("bytes", file.bytes())
                    .put("sha256", file.sha256());
        }
        processing.forEach(model.putArray("processing")::add);
        ObjectNode config = model.putObject("config");
        ConfigKeys.of(dump.config())
                .forEach((key, literal) -> config.set(key, JsonMapper.shared().readTree(literal)));
        provenance
                .prependedToken()
                .ifPresentOrElse(
                        token -> json.put("token_prepended_to_text", token),
                        () -> json.putNull("token_prepended_to_text"));

        json.putObject("corpus")
                .put("documents", forecast.documents())
                .put("tokens", forecast.tokens())
                .put("sha256", forecast.sha256());
        ObjectNode capture = json.putObject("capture");
        ArrayNode points = capture.putArray("points");
        dump.points().stream().map(HookPoint::name).forEach(points::add);
        capture.put("heads", dump.heads().toString());
        capture.put("neurons", dump.neurons().toString());
        capture.put("positions", dump.filter().positions().toString());
        dump.filter()
                .skippedFirst()
                .ifPresentOrElse(
                        token -> capture.put("skipped_first_token", token),
                        () -> capture.putNull("skipped_first_token"));
        capture.put("every", dump.filter().every());
        capture.put("long_documents", dump.longDocuments().toString());

        ObjectNode activations = json.putObject("activations");
        activations
                .put("format", DumpFormat.SAFETENSORS.toString())
                .put("dtype", dump.type().toString())
                .put("layout", "token-major")
                .put("rows", forecast.rows())
                .put("rows_per_shard", plan.rowsPerShard());
        ArrayNode tensors = activations.putArray("tensors");
        for (TensorInfo tensor : plan.tensors()) {
            ObjectNode entry = tensors.addObject()
                    .put("name", tensor.name())
                    .put("dtype", tensor.type().toString());
            tensor.shape().forEach(entry.putArray("row_shape")::add);
        }
        return json;
    }

    static byte[] json(ObjectNode request, Gpt2 model, Provenance provenance, List<Shard> shards) {
        ObjectNode asked = request.deepCopy();
        ((ObjectNode) asked.get("model")).put("name", provenance.model());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = INDENTED.createGenerator(bytes)) {
            json.writeStartObject();
            asked.properties().forEach(entry -> {
                json.writeName(entry.getKey());
                json.writeTree(entry.getValue());
            });
            Manifest.strings(json, "command", provenance.command());
            json.writeArrayPropertyStart("shards");
            shards.forEach(shard -> json.writeTree(shard.json()));
            json.writeEndArray();
            Manifest.environment(json, model);
            json.writeEndObject();
            json.writeRaw('\n');
        }
        return bytes.toByteArray();
    }

    /** @throws BadInputException naming the first thing that was asked for otherwise when the dump was begun */
    static void requireSame(JsonPart recorded, ObjectNode request) {
        difference("", recorded.node(), request).ifPresent(difference -> {
            Path folder = recorded.file().toAbsolutePath().getParent();
            throw new BadInputException("the dump in " + folder + " was begun otherwise and cannot be resumed: "
                    + difference + "; choose another folder, or start over (" + Remedy.REPLACE + ")");
        });
    }

    private static Optional<String> difference(String key, JsonNode recorded, JsonNode wanted) {
        if (recorded != null && wanted.isObject() && recorded.isObject()) {
            for (Map.Entry<String, JsonNode> entry : wanted.properties()) {
                String name = key.isEmpty() ? entry.getKey() : key + "." + entry.getKey();
                Optional<String> found = difference(name, recorded.get(entry.getKey()), entry.getValue());
                if (found.isPresent()) {
                    return found;
                }
            }
            return Optional.empty();
        }
        if (recorded != null && wanted.isArray() && recorded.isArray() && recorded.size() == wanted.size()) {
            for (int i = 0; i < wanted.size(); i++) {
                Optional<String> found = difference(key + "[" + i + "]", recorded.get(i), wanted.get(i));
                if (found.isPresent()) {
                    return found;
                }
            }
            return Optional.empty();
        }
        // As text, for a number that was read may have another type than one that was made.
        return recorded != null && recorded.toString().equals(wanted.toString())
                ? Optional.empty()
                : Optional.of(key + " was " + Printable.plain(String.valueOf(recorded)) + " and is now "
                        + Printable.plain(wanted.toString()));
    }
}
