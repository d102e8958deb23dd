package dev.hyaline.instrument.dump;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.internal.DumpErrors;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
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

    private static final ObjectWriter INDENTED = JsonMapper.shared().writer().with(JsonText.indentation());

    /** Bytes, which a manifest of as many shards as a disk holds does not reach. */
    static final int MAX_LENGTH = 1 << 30;

    private ShardManifest() {}

    /**
     * Everything that decides the bytes of the shards.
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

    /** Reads a manifest. */
    static Json read(Path file) {
        try (FileInput input = FileInput.open(file, DumpErrors.INSTANCE)) {
            return Json.readObject(DumpErrors.INSTANCE, input.label(), input.readAll(MAX_LENGTH));
        }
    }

    /** @throws BadInputException naming the first thing that was asked for otherwise when the dump was begun */
    static void requireSame(Path dump, Json recorded, ObjectNode request) {
        Json wanted = Json.readObject(
                DumpErrors.INSTANCE, "the request", request.toString().getBytes(StandardCharsets.UTF_8));
        difference("", recorded, wanted).ifPresent(difference -> {
            Path folder = dump.toAbsolutePath();
            throw new BadInputException("the dump in " + folder + " was begun otherwise and cannot be resumed: "
                    + difference + "; choose another folder, or start over (" + Remedy.REPLACE + ")");
        });
    }

    private static Optional<String> difference(String key, @Nullable Json recorded, Json wanted) {
        if (recorded != null && recorded.isObject() && wanted.isObject()) {
            for (String name : wanted.names()) {
                Optional<String> found = difference(
                        key.isEmpty() ? name : key + "." + name,
                        recorded.get(name).orElse(null),
                        wanted.require(name));
                if (found.isPresent()) {
                    return found;
                }
            }
            return Optional.empty();
        }
        if (recorded != null && recorded.isArray() && wanted.isArray()) {
            List<Json> before = recorded.elements();
            List<Json> now = wanted.elements();
            if (before.size() == now.size()) {
                for (int i = 0; i < now.size(); i++) {
                    Optional<String> found = difference(key + "[" + i + "]", before.get(i), now.get(i));
                    if (found.isPresent()) {
                        return found;
                    }
                }
                return Optional.empty();
            }
        }
        String was = recorded == null ? "absent" : recorded.toString();
        return was.equals(wanted.toString())
                ? Optional.empty()
                : Optional.of(
                        key + " was " + Printable.plain(was) + " and is now " + Printable.plain(wanted.toString()));
    }
}
