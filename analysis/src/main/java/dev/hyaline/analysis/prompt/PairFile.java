package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Pairs of prompts in JSON: a list of objects, or an object with such a list as {@code pairs} and perhaps a
 * {@code template} for all.
 *
 * <p>An object has {@code clean} and {@code corrupted}, each a text, a list of token ids or, with a template, an object
 * of words by slot (of the corrupted prompt only those that differ); {@code answer} and perhaps {@code distractor},
 * each a text of one token ({@code " Mary"}), a token id or a list of such; perhaps {@code positions}, an object of
 * positions by role; perhaps a {@code name}.
 */
public final class PairFile {
    private static final JsonMapper MAPPER = JsonMapper.builder(Json.factory())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final Set<String> KNOWN =
            Set.of("name", "template", "clean", "corrupted", "answer", "distractor", "positions");

    private final PromptEncoder encoder;

    private PairFile(PromptEncoder encoder) {
        this.encoder = encoder;
    }

    /**
     * Reads a file.
     *
     * @throws FileException if it cannot be read, or is none: a pipe that nobody writes to would be waited for without
     *     end
     * @throws BadInputException naming the file and the pair, counted from 0, if it does not hold pairs
     */
    public static List<PromptPair> read(Path file, PromptEncoder encoder) {
        if (Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file)) {
            throw FileException.corrupt(file, "a file", "something else");
        }
        try {
            return parse(file.toString(), Files.readString(file), encoder);
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
    }

    /**
     * Reads a text.
     *
     * @param source what the text is called in an error
     */
    public static List<PromptPair> parse(String source, String json, PromptEncoder encoder) {
        JsonNode root;
        try {
            root = MAPPER.readTree(json);
        } catch (JacksonException e) {
            throw new BadInputException(source + ": this is not JSON: " + Printable.parserMessage(e));
        }
        JsonNode list = root.isObject() && root.has("pairs") ? root.get("pairs") : root;
        if (!list.isArray() || list.isEmpty()) {
            throw new BadInputException(
                    source + ": expected a list of pairs, or an object with a list of them as \"pairs\"");
        }
        JsonNode template = root.isObject() ? root.path("template") : root.path("");
        List<PromptPair> pairs = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            try {
                pairs.add(new PairFile(encoder).pair(list.get(i), template));
            } catch (BadInputException e) {
                throw new BadInputException(source + ": pair " + i + ": " + e.getMessage());
            }
        }
        return List.copyOf(pairs);
    }

    private PromptPair pair(JsonNode node, JsonNode commonTemplate) {
        if (!node.isObject()) {
            throw new BadInputException("expected an object");
        }
        for (String key : node.propertyNames()) {
            if (!KNOWN.contains(key)) {
                throw new BadInputException("there is no property \"" + key + "\"; there are "
                        + String.join(", ", KNOWN.stream().sorted().toList()));
            }
        }
        int[] answers = tokens(node, "answer", true);
        int[] distractors = tokens(node, "distractor", false);
        JsonNode template = node.has("template") ? node.get("template") : commonTemplate;
        PromptPair pair;
        if (template.isString()) {
            pair = PairTemplate.parse(template.asString())
                    .pair(encoder, words(node, "clean"), words(node, "corrupted"), answers, distractors);
        } else {
            pair = new PromptPair(
                    node.path("clean").isString() ? node.get("clean").asString() : "pair",
                    prompt(node, "clean"),
                    prompt(node, "corrupted"),
                    answers,
                    distractors,
                    Map.of());
        }
        Map<String, Integer> roles = new LinkedHashMap<>(pair.roles());
        roles.putAll(positions(node));
        String name = node.path("name").isString() ? node.get("name").asString() : pair.name();
        return new PromptPair(name, pair.clean(), pair.corrupted(), answers, distractors, roles);
    }

    private static Map<String, String> words(JsonNode node, String key) {
        if (!node.path(key).isObject()) {
            throw new BadInputException("with a template, \"" + key + "\" must be an object of words by slot");
        }
        Map<String, String> words = new LinkedHashMap<>();
        node.get(key).properties().forEach(entry -> {
            if (!entry.getValue().isString()) {
                throw new BadInputException("\"" + key + "\": the word for {" + entry.getKey() + "} must be a string");
            }
            words.put(entry.getKey(), entry.getValue().asString());
        });
        return words;
    }

    private static Map<String, Integer> positions(JsonNode node) {
        Map<String, Integer> positions = new LinkedHashMap<>();
        if (node.has("positions")) {
            if (!node.get("positions").isObject()) {
                throw new BadInputException("\"positions\" must be an object of positions by role");
            }
            node.get("positions").properties().forEach(entry -> {
                if (!entry.getValue().canConvertToInt() || !entry.getValue().isIntegralNumber()) {
                    throw new BadInputException("\"positions\": " + entry.getKey() + " must be a whole number");
                }
                positions.put(entry.getKey(), entry.getValue().asInt());
            });
        }
        return positions;
    }

    private int[] prompt(JsonNode node, String key) {
        JsonNode value = node.path(key);
        if (value.isString()) {
            return encoder.prompt(value.asString());
        }
        if (value.isArray() && value.valueStream().allMatch(PairFile::isId)) {
            return value.valueStream().mapToInt(JsonNode::asInt).toArray();
        }
        throw new BadInputException("\"" + key + "\" must be a text or a list of token ids");
    }

    private int[] tokens(JsonNode node, String key, boolean required) {
        if (!node.has(key) && !required) {
            return new int[0];
        }
        JsonNode value = node.path(key);
        Stream<JsonNode> items = value.isArray() ? value.valueStream() : Stream.of(value);
        return items.mapToInt(item -> {
                    if (item.isString()) {
                        return encoder.token(item.asString());
                    }
                    if (isId(item)) {
                        return item.asInt();
                    }
                    throw new BadInputException("\"" + key
                            + "\" must be a text of one token such as \" Mary\", a token id, or a list of such");
                })
                .toArray();
    }

    private static boolean isId(JsonNode value) {
        return value.isIntegralNumber() && value.canConvertToInt();
    }
}
