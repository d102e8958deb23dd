package dev.hyaline.instrument.dump;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonDifference;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.internal.DumpErrors;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * The JSON beside shards: what was asked for, which alone decides their bytes, then the shards and what else is known
 * of their making. Like {@link Manifest} it holds no time and no folder.
 */
final class ShardManifest {
    /** Names the layout of this JSON and of the shards; a change that breaks a reader gets a new number. */
    static final String FORMAT = "hyaline-shards/1";

    /** Of the capture: the sites that are computed from hook points, each with what tells it from others. */
    static final String DERIVED = "derived";

    /** The layout of shards that hold the rows of each tensor. */
    static final String ROWS = "token-major";

    /** The layout of shards that hold the latents that fire. */
    static final String LATENTS = "delphi";

    /** Bytes, which a manifest of as many shards as a disk holds does not reach. */
    static final int MAX_LENGTH = 1 << 30;

    private ShardManifest() {}

    /**
     * Everything that decides the bytes of the shards.
     *
     * @param processing what was done to the model's weights
     */
    static Json request(
            CorpusDump dump,
            ShardPlan plan,
            CorpusDump.Forecast forecast,
            List<String> processing,
            Provenance provenance) {
        return request(dump, plan, processing, provenance, json -> {
            json.writeNumberProperty("documents", forecast.documents());
            json.writeNumberProperty("tokens", forecast.tokens());
            json.writeStringProperty("sha256", forecast.sha256());
        });
    }

    /**
     * As the other.
     *
     * @param corpus writes the properties that identify the corpus
     */
    static Json request(
            CorpusDump dump,
            ShardPlan plan,
            List<String> processing,
            Provenance provenance,
            Consumer<JsonGenerator> corpus) {
        byte[] request = JsonText.compact(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", FORMAT);
            json.writeStringProperty("tool", provenance.tool());
            json.writeObjectPropertyStart("model");
            Manifest.model(json, dump.config(), processing, provenance);
            json.writeEndObject();
            Manifest.token(json, "token_prepended_to_text", provenance.prependedToken());
            json.writeObjectPropertyStart("corpus");
            corpus.accept(json);
            json.writeEndObject();
            capture(json, dump);
            activations(json, dump, plan);
            json.writeEndObject();
        });
        return Json.readObject(DumpErrors.INSTANCE, "the request", request);
    }

    private static void capture(JsonGenerator json, CorpusDump dump) {
        TokenFilter filter = dump.filter();
        json.writeObjectPropertyStart("capture");
        Manifest.strings(
                json, "points", dump.points().stream().map(HookPoint::name).toList());
        if (!dump.derived().isEmpty()) {
            json.writeObjectPropertyStart(DERIVED);
            dump.derived().forEach(site -> json.writeStringProperty(site.name(), site.fingerprint()));
            json.writeEndObject();
        }
        json.writeStringProperty("heads", dump.heads().toString());
        json.writeStringProperty("neurons", dump.neurons().toString());
        json.writeStringProperty("positions", filter.positions().toString());
        Manifest.token(json, "skipped_first_token", filter.skippedFirst());
        json.writeNumberProperty("every", filter.every());
        json.writeStringProperty("long_documents", dump.longDocuments().toString());
        dump.context().ifPresent(tokens -> json.writeNumberProperty("context", tokens));
        json.writeEndObject();
    }

    private static void activations(JsonGenerator json, CorpusDump dump, ShardPlan plan) {
        json.writeObjectPropertyStart("activations");
        json.writeStringProperty("format", DumpFormat.SAFETENSORS.toString());
        json.writeStringProperty("dtype", dump.type().toString());
        json.writeStringProperty("layout", dump.isOfLatents() ? LATENTS : ROWS);
        json.writeNumberProperty("rows", plan.rows());
        json.writeNumberProperty("rows_per_shard", plan.rowsPerShard());
        Manifest.tensors(json, plan.tensors(), "row_shape");
        json.writeEndObject();
    }

    /**
     * A manifest.
     *
     * @param model its name, which does not decide the bytes and which the request therefore lacks
     * @param command the command that makes the same dump
     * @param ran the model that ran here; null if shards were made elsewhere
     */
    static byte[] json(Json request, String model, List<String> command, List<Shard> shards, @Nullable Gpt2 ran) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            for (String key : request.names()) {
                Json value = request.require(key);
                if (key.equals("model")) {
                    json.writeObjectPropertyStart(key);
                    value.names().forEach(fact -> value.require(fact).write(fact, json));
                    json.writeStringProperty("name", model);
                    json.writeEndObject();
                } else {
                    value.write(key, json);
                }
            }
            Manifest.strings(json, "command", command);
            json.writeArrayPropertyStart("shards");
            shards.forEach(shard -> shard.write(json));
            json.writeEndArray();
            if (ran != null) {
                Manifest.environment(json, ran);
            }
            json.writeEndObject();
        });
    }

    /** Reads a manifest. */
    static Json read(Path file) {
        try (FileInput input = FileInput.open(file, DumpErrors.INSTANCE)) {
            return Json.readObject(DumpErrors.INSTANCE, input.label(), input.readAll(MAX_LENGTH));
        }
    }

    /** @throws BadInputException naming the first thing that was asked for otherwise when the dump was begun */
    static void requireSame(Path dump, Json recorded, Json request) {
        JsonDifference.find(recorded, request).ifPresent(difference -> {
            Path folder = dump.toAbsolutePath();
            throw new BadInputException("the dump in " + folder + " was begun otherwise and cannot be resumed: "
                    + difference + "; choose another folder, or start over (" + Remedy.REPLACE + ")");
        });
    }
}
