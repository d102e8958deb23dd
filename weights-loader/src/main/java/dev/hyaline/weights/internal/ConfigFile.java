package dev.hyaline.weights.internal;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * A Hugging Face {@code config.json}. Absent keys have the defaults of transformers' {@code GPT2Config}.
 *
 * @param tokens {@code bos_token_id} and {@code eos_token_id}
 */
public record ConfigFile(Gpt2Config config, ModelTokens tokens) {
    /** The name of the file in every checkpoint. */
    public static final String NAME = ConfigKeys.FILE;

    private static final int LIMIT = 1 << 20;
    private static final int MAX_SIZE = Integer.MAX_VALUE;

    private static final List<String> MARKS = List.of("bos_token_id", "eos_token_id");

    /** The keys about tokens, their roles and the end of generation. */
    private static final Pattern ABOUT_TOKENS =
            Pattern.compile(".*token.*|.*_ids|prefix|task_specific_params|(min|max)_length");

    /** Other names of the same functions in transformers. */
    private static final Map<String, String> OTHER_NAMES = Map.of(
            "swish", "silu",
            "gelu_fast", "gelu_new",
            "gelu_accurate", "gelu_new",
            "gelu_python_tanh", "gelu_new",
            "gelu_python", "gelu");

    /** The messages of {@link Gpt2Config}. */
    private static final Pattern COMPLAINT = Pattern.compile("(.+) must (.+), found (.+)");

    /**
     * Reads the folder's configuration, and refuses anything but a GPT-2 language model that this engine can compute.
     */
    public static ConfigFile read(Folder folder) {
        Json json = json(folder);
        json.get("model_type").filter(type -> !type.string().equals("gpt2")).ifPresent(type -> {
            throw type.expected("\"gpt2\"");
        });
        if (bool(json, "add_cross_attention", false)) {
            throw json.require("add_cross_attention")
                    .expected("false: a decoder of an encoder's output is not supported");
        }
        // The order of scaling matters only for training in float16; in float32 it is the same function.
        bool(json, "reorder_and_upcast_attn", false);

        int dModel = integer(json, 768, ConfigKeys.WIDTH, "hidden_size");
        try {
            Gpt2Config config = new Gpt2Config(
                    integer(json, 12, ConfigKeys.LAYERS, "num_hidden_layers"),
                    integer(json, 12, ConfigKeys.HEADS, "num_attention_heads"),
                    dModel,
                    json.nullable(ConfigKeys.MLP_WIDTH)
                            .map(ConfigFile::positive)
                            .orElse((int) Math.min(4L * dModel, MAX_SIZE)),
                    integer(json, 1024, ConfigKeys.CONTEXT, "max_position_embeddings", "n_ctx"),
                    integer(json, 50257, ConfigKeys.VOCABULARY),
                    (float) json.get(ConfigKeys.EPSILON)
                            .map(Json::number)
                            .orElse(1e-5)
                            .doubleValue(),
                    json.get(ConfigKeys.ACTIVATION).map(ConfigFile::activation).orElse(ActivationFunction.GELU_NEW),
                    bool(json, ConfigKeys.SCALED, true),
                    bool(json, ConfigKeys.SCALED_BY_LAYER, false),
                    bool(json, ConfigKeys.TIED, true));
            return new ConfigFile(config, ModelTokens.read(json).ofSize(config.dVocab()));
        } catch (BadInputException e) {
            throw refused(folder.label(NAME), e);
        }
    }

    /** Reads the folder's file as JSON. */
    public static Json json(Folder folder) {
        return folder.readObject(NAME, LIMIT);
    }

    /**
     * The file that {@link #read} would read as this configuration, with the other keys that transformers' tools need.
     *
     * @param original the original file, whose other keys about tokens are kept; null if there is none
     */
    public byte[] json(@Nullable Json original) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeArrayPropertyStart("architectures");
            json.writeString("GPT2LMHeadModel");
            json.writeEndArray();
            json.writeStringProperty("model_type", "gpt2");
            ConfigKeys.of(config).forEach((key, literal) -> {
                json.writeName(key);
                json.writeRawValue(literal);
            });
            if (original != null) {
                original.forEachField((key, value) -> {
                    if (ABOUT_TOKENS.matcher(key).matches() && !MARKS.contains(key)) {
                        value.write(key, json);
                    }
                });
            }
            for (String key : MARKS) {
                writeMark(json, key, original);
            }
            json.writeEndObject();
        });
    }

    /** Writes the id of a mark, or null: if the key were absent, it would mean GPT-2's own 50256. */
    private void writeMark(JsonGenerator json, String key, @Nullable Json original) {
        Optional<Json> kept = Optional.ofNullable(original).flatMap(from -> from.get(key));
        if (kept.isPresent()) {
            kept.get().write(key, json);
            return;
        }
        json.writeName(key);
        if (key.equals("bos_token_id") && tokens.begin() != null) {
            json.writeNumber(tokens.begin());
        } else if (key.equals("bos_token_id") || tokens.ends().isEmpty()) {
            json.writeNull();
        } else if (tokens.ends().size() == 1) {
            json.writeNumber(tokens.ends().getFirst());
        } else {
            json.writeStartArray();
            tokens.ends().forEach(json::writeNumber);
            json.writeEndArray();
        }
    }

    private static BadCheckpointException refused(String label, BadInputException e) {
        Matcher complaint = COMPLAINT.matcher(e.getMessage());
        return complaint.matches()
                ? BadCheckpointException.file(
                        label, complaint.group(1) + " to " + complaint.group(2), complaint.group(3), e)
                : BadCheckpointException.file(label, "a GPT-2 configuration", "one where " + e.getMessage(), e);
    }

    /** The value of the first key that is present: the name that transformers writes, then the others it accepts. */
    private static int integer(Json json, int fallback, String... keys) {
        return Arrays.stream(keys)
                .map(json::get)
                .flatMap(Optional::stream)
                .findFirst()
                .map(ConfigFile::positive)
                .orElse(fallback);
    }

    private static int positive(Json json) {
        return json.integer(1, MAX_SIZE);
    }

    private static boolean bool(Json json, String key, boolean fallback) {
        return json.get(key).map(Json::bool).orElse(fallback);
    }

    private static ActivationFunction activation(Json json) {
        String name = OTHER_NAMES.getOrDefault(json.string(), json.string());
        return Arrays.stream(ActivationFunction.values())
                .filter(function -> function.configName().equals(name))
                .findFirst()
                .orElseThrow(() -> json.expected("one of "
                        + Arrays.stream(ActivationFunction.values())
                                .map(ActivationFunction::configName)
                                .collect(Collectors.joining(", "))));
    }
}
