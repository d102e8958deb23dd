package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Pairs of prompts in JSON: a list of objects, or an object with such a list as {@code pairs} and perhaps a
 * {@code template} for all.
 *
 * <p>An object has {@code clean} and {@code corrupted}, each a text, a list of token ids or, with a template, an object
 * of words by slot (of the corrupted prompt only those that differ); {@code answer} and perhaps {@code distractor},
 * each a text of one token ({@code " Mary"}), a token id or a list of such; perhaps {@code positions}, an object of
 * positions by role; perhaps a {@code name}; perhaps a {@code unit}, what the pair shares with others of its draw (a
 * name, a document), and a {@code stratum} (a template); perhaps a {@code split}, the half of a study that the pair
 * belongs to, {@code discovery} or {@code held-out}. All that takes no tokenizer is checked when the JSON is read.
 */
public final class PairFile {
    private static final int MAX_BYTES = 1 << 30;
    /** A template makes a long prompt of a few bytes again and again. */
    private static final long MAX_TOKENS = 1 << 24;

    private static final Set<String> KNOWN = Set.of(
            "name", "template", "clean", "corrupted", "answer", "distractor", "positions", "unit", "stratum", "split");

    /** For pairs without a text. */
    private static final PromptEncoder NO_ENCODER = new PromptEncoder(
            text -> {
                throw new AssertionError("there is no text to encode");
            },
            List.of(),
            List.of(),
            0);

    /** The halves of a study. */
    private static final List<String> HALVES = List.of("discovery", "held-out");

    private final String source;
    private final List<Draft> drafts;
    private final List<String> splits;

    private PairFile(String source, List<Draft> drafts, List<String> splits) {
        this.source = source;
        this.drafts = List.copyOf(drafts);
        this.splits = List.copyOf(splits);
    }

    /** A pair whose texts are not tokens yet. */
    private interface Draft {
        PromptPair encode(PromptEncoder encoder);
    }

    /** Tokens that may still be text. */
    private interface Tokens {
        int[] encode(PromptEncoder encoder);
    }

    /**
     * Reads a file.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException naming the file and the pair, counted from 0, if it does not hold pairs, or is no file
     */
    public static PairFile read(Path file) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            return parse(input.label(), input.readAll(MAX_BYTES));
        }
    }

    /**
     * Reads a text.
     *
     * @param source the name of the text in errors
     */
    public static PairFile parse(String source, String json) {
        return parse(source, json.getBytes(StandardCharsets.UTF_8));
    }

    private static PairFile parse(String source, byte[] json) {
        Json root = Json.read(InputErrors.INSTANCE, source, json);
        Json list = root.get("pairs").orElse(root);
        if (!list.isArray() || list.elements().isEmpty()) {
            throw new BadInputException(
                    source + ": expected a list of pairs, or an object with a list of them as \"pairs\"");
        }
        PairTemplate template = template(source, root).orElse(null);
        List<Draft> drafts = new ArrayList<>();
        for (Json pair : list.elements()) {
            drafts.add(draft(source + ": pair " + drafts.size(), pair, template));
        }
        return new PairFile(source, drafts, splits(source, list.elements()));
    }

    /** The half of each pair; none if no pair says one. */
    private static List<String> splits(String source, List<Json> pairs) {
        List<String> splits = new ArrayList<>();
        for (Json pair : pairs) {
            pair.get("split").ifPresent(split -> {
                if (!HALVES.contains(split.string())) {
                    throw split.expected("one of " + String.join(", ", HALVES));
                }
                splits.add(split.string());
            });
        }
        if (!splits.isEmpty() && splits.size() < pairs.size()) {
            throw new BadInputException(source + ": " + splits.size() + " of " + pairs.size()
                    + " pairs have a split; either each pair has one or none");
        }
        return splits;
    }

    /**
     * The half of a study that each pair belongs to, {@code discovery} or {@code held-out}; empty if the file says
     * nothing of it.
     */
    public List<String> splits() {
        return splits;
    }

    /**
     * The pairs in tokens.
     *
     * @throws BadInputException naming the file and the pair, if a text is not as many tokens as it must be, or a
     *     position is outside its prompt
     */
    public List<PromptPair> encode(PromptEncoder encoder) {
        List<PromptPair> pairs = new ArrayList<>();
        long tokens = 0;
        for (Draft draft : drafts) {
            pairs.add(draft.encode(encoder));
            tokens += pairs.getLast().length();
            if (tokens > MAX_TOKENS) {
                throw new BadInputException(source + ": the prompts up to pair " + (pairs.size() - 1) + " have "
                        + tokens + " tokens; a file holds at most " + MAX_TOKENS);
            }
        }
        return List.copyOf(pairs);
    }

    private static Draft draft(String where, Json node, @Nullable PairTemplate common) {
        if (!node.isObject()) {
            throw node.expected("an object");
        }
        for (String key : node.names()) {
            if (!KNOWN.contains(key)) {
                throw new BadInputException(where + ": there is no property " + Printable.quoted(key) + "; there are "
                        + String.join(", ", KNOWN.stream().sorted().toList()));
            }
        }
        Tokens answers = answers(node.require("answer"));
        Tokens distractors = node.get("distractor").map(PairFile::answers).orElse(encoder -> new int[0]);
        Map<String, Integer> positions = positions(node);
        Optional<String> name = node.get("name").map(Json::string);
        String unit = node.get("unit").map(Json::string).orElse(null);
        String stratum = node.get("stratum").map(Json::string).orElse(null);
        PairTemplate template = template(where, node).orElse(common);
        Draft plain = template == null
                ? written(node, answers, distractors)
                : filled(where, template, node, answers, distractors);
        Draft draft = encoder -> checked(where, () -> {
            PromptPair pair = plain.encode(encoder);
            Map<String, Integer> roles = new LinkedHashMap<>(pair.roles());
            roles.putAll(positions);
            return new PromptPair(
                    name.orElse(pair.name()),
                    pair.clean(),
                    pair.corrupted(),
                    pair.answers(),
                    pair.distractors(),
                    roles,
                    unit,
                    stratum);
        });
        if (isOfIds(node)) {
            draft.encode(NO_ENCODER);
        }
        return draft;
    }

    private static boolean isOfIds(Json node) {
        return Stream.of("clean", "corrupted", "answer", "distractor")
                .flatMap(key -> node.get(key).stream())
                .allMatch(value -> value.isWhole()
                        || (value.isArray() && value.elements().stream().allMatch(Json::isWhole)));
    }

    private static Optional<PairTemplate> template(String where, Json node) {
        return node.get("template").map(Json::string).map(text -> checked(where, () -> PairTemplate.parse(text)));
    }

    private static Draft filled(String where, PairTemplate template, Json node, Tokens answers, Tokens distractors) {
        Map<String, String> clean = words(node.require("clean"));
        Map<String, String> corrupted = words(node.require("corrupted"));
        checked(where, () -> template.requireFilled(clean, corrupted));
        return encoder ->
                template.pair(encoder, clean, corrupted, answers.encode(encoder), distractors.encode(encoder));
    }

    private static Draft written(Json node, Tokens answers, Tokens distractors) {
        Json text = node.require("clean");
        Tokens clean = prompt(text);
        Tokens corrupted = prompt(node.require("corrupted"));
        String name = text.isString() ? text.string() : "pair";
        return encoder -> new PromptPair(
                name,
                clean.encode(encoder),
                corrupted.encode(encoder),
                answers.encode(encoder),
                distractors.encode(encoder),
                Map.of());
    }

    private static Map<String, String> words(Json node) {
        if (!node.isObject()) {
            throw node.expected("an object of words by slot, as there is a template");
        }
        Map<String, String> words = new LinkedHashMap<>();
        node.names().forEach(slot -> words.put(slot, node.require(slot).string()));
        return words;
    }

    private static Map<String, Integer> positions(Json node) {
        Map<String, Integer> positions = new LinkedHashMap<>();
        node.get("positions")
                .ifPresent(ofRoles -> ofRoles.forEachField(
                        (role, position) -> positions.put(role, position.integer(0, Integer.MAX_VALUE))));
        return positions;
    }

    private static Tokens prompt(Json value) {
        if (value.isString()) {
            String text = value.string();
            return encoder -> encoder.prompt(text);
        }
        if (!value.isArray()) {
            throw value.expected("a text or a list of token ids");
        }
        int[] ids = value.elements().stream().mapToInt(PairFile::id).toArray();
        return encoder -> ids;
    }

    private static Tokens answers(Json value) {
        List<Tokens> items = (value.isArray() ? value.elements() : List.of(value))
                .stream().map(PairFile::answer).toList();
        return encoder ->
                items.stream().mapToInt(item -> item.encode(encoder)[0]).toArray();
    }

    private static Tokens answer(Json value) {
        if (value.isString()) {
            String text = value.string();
            return encoder -> new int[] {encoder.token(text)};
        }
        if (!value.isWhole()) {
            throw value.expected("a text of one token such as \" Mary\", a token id, or a list of such");
        }
        int[] id = {id(value)};
        return encoder -> id;
    }

    private static int id(Json value) {
        return value.integer(0, Integer.MAX_VALUE);
    }

    private static <T> T checked(String where, Supplier<T> step) {
        try {
            return step.get();
        } catch (BadInputException e) {
            throw new BadInputException(where + ": " + e.getMessage());
        }
    }

    private static void checked(String where, Runnable step) {
        checked(where, () -> {
            step.run();
            return step;
        });
    }

    @Override
    public String toString() {
        return source + ": " + Printable.plural(drafts.size(), "pair");
    }
}
