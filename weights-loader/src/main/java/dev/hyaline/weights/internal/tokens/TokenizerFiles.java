package dev.hyaline.weights.internal.tokens;

import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.engine.HyalineException;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.files.Utf8;
import dev.hyaline.weights.Tokenizer;
import dev.hyaline.weights.internal.CheckpointErrors;
import dev.hyaline.weights.internal.Folder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Reads a byte-level BPE tokenizer from {@code tokenizer.json}, or from {@code vocab.json} and {@code merges.txt} (and
 * {@code added_tokens.json}, if there is one), which the original release calls {@code encoder.json} and
 * {@code vocab.bpe}. What would change the ids and is not supported is refused by name; {@code post_processor},
 * {@code truncation} and {@code padding}, which act on ids, are the caller's business and not looked at.
 */
public final class TokenizerFiles {
    private static final String WHOLE = "tokenizer.json";
    private static final String VOCABULARY = "vocab.json";
    private static final String MERGES = "merges.txt";
    private static final String ADDED = "added_tokens.json";

    /** What the original release calls the vocabulary and the merges. */
    private static final String ORIGINAL_VOCABULARY = "encoder.json";

    private static final String ORIGINAL_MERGES = "vocab.bpe";

    private static final int LIMIT = 1 << 25;
    private static final int MAX_ADDED_TOKEN_LENGTH = 512;

    private final Vocabulary vocabulary = new Vocabulary();
    private final Merges merges = new Merges();
    private final List<AddedToken> added = new ArrayList<>();

    private TokenizerFiles() {}

    /** Those files of the folder that {@link #read} reads; empty if it has no tokenizer. */
    public static List<String> in(Folder folder) {
        if (folder.has(WHOLE)) {
            return List.of(WHOLE);
        }
        if (folder.has(VOCABULARY) || folder.has(MERGES)) {
            return Stream.of(VOCABULARY, MERGES, ADDED).filter(folder::has).toList();
        }
        return folder.has(ORIGINAL_VOCABULARY) && folder.has(ORIGINAL_MERGES)
                ? List.of(ORIGINAL_VOCABULARY, ORIGINAL_MERGES)
                : List.of();
    }

    /** The folder's tokenizer, not read yet; empty if it has none. */
    public static Optional<TokenizerSource> source(Folder folder) {
        return in(folder).isEmpty() ? Optional.empty() : Optional.of(new InFolder(folder));
    }

    private record InFolder(Folder folder) implements TokenizerSource {
        @Override
        public Tokenizer read(OptionalInt endOfText) {
            return TokenizerFiles.read(folder, endOfText);
        }

        @Override
        public Map<String, byte[]> huggingFaceFiles() {
            Map<String, byte[]> files = new LinkedHashMap<>();
            for (String file : in(folder)) {
                String name = switch (file) {
                    case ORIGINAL_VOCABULARY -> VOCABULARY;
                    case ORIGINAL_MERGES -> MERGES;
                    default -> file;
                };
                files.put(name, folder.read(file, LIMIT));
            }
            return files;
        }
    }

    /**
     * Reads the folder's tokenizer.
     *
     * @param endOfText id that ends a text if the vocabulary has no {@code <|endoftext|>}
     * @throws BadCheckpointException if a file is missing or broken, or asks for what is not supported
     */
    public static Tokenizer read(Folder folder, OptionalInt endOfText) {
        TokenizerFiles files = new TokenizerFiles();
        if (folder.has(WHOLE)) {
            return files.readWhole(folder, endOfText);
        }
        return in(folder).contains(ORIGINAL_VOCABULARY)
                ? files.readPair(folder, ORIGINAL_VOCABULARY, ORIGINAL_MERGES, endOfText)
                : files.readPair(folder, VOCABULARY, MERGES, endOfText);
    }

    private Tokenizer readPair(Folder folder, String vocabularyFile, String mergesFile, OptionalInt endOfText) {
        folder.readObject(vocabularyFile, LIMIT).forEachField(vocabulary::add);
        readMerges(folder, mergesFile);
        Integer special = vocabulary.id(Gpt2Vocabulary.END_OF_TEXT);
        if (special != null) {
            added.add(AddedToken.plain(special, Gpt2Vocabulary.END_OF_TEXT));
        }
        if (folder.has(ADDED)) {
            folder.readObject(ADDED, LIMIT)
                    .forEachField((content, id) -> addToken(content, id, false, false, false, true));
        }
        return build(new BytePairEncoder(vocabulary.byteTokens(-1), merges, Map.of(), true), false, endOfText);
    }

    private void readMerges(Folder folder, String file) {
        String label = folder.label(file);
        List<String> lines = Utf8.strict(CheckpointErrors.INSTANCE, label, folder.read(file, LIMIT))
                .lines()
                .toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (!line.startsWith("#version") && !(line.isEmpty() && i == lines.size() - 1)) {
                String where = "line " + (i + 1);
                addMerge(
                        line.split(" ", -1),
                        what -> BadCheckpointException.file(label, where + " to be " + what, Printable.quoted(line)));
            }
        }
    }

    private Tokenizer readWhole(Folder folder, OptionalInt endOfText) {
        Json json = folder.readObject(WHOLE, LIMIT);
        // First of all: other models' tokenizers differ in every other part as well.
        Json model = json.require("model");
        requireType(model, "BPE");
        json.nullable("normalizer").ifPresent(normalizer -> {
            throw normalizer.require("type").expected("absent, as text is not normalized");
        });
        Json splitter = json.require("pre_tokenizer");
        requireType(splitter, "ByteLevel");
        requireType(json.require("decoder"), "ByteLevel");
        boolean prefixSpace = splitter.require("add_prefix_space").bool();
        boolean splitWords = flag(splitter, "use_regex", true);

        refuseOptions(model);
        model.require("vocab").forEachField(vocabulary::add);
        for (Json merge : model.require("merges").elements()) {
            String[] parts = merge.isArray()
                    ? merge.elements().stream().map(Json::string).toArray(String[]::new)
                    : merge.string().split(" ", -1);
            addMerge(parts, merge::expected);
        }
        json.nullable("added_tokens")
                .map(Json::elements)
                .orElse(List.of())
                .forEach(token -> addToken(
                        token.require("content").string(),
                        token.require("id"),
                        flag(token, "single_word", false),
                        flag(token, "lstrip", false),
                        flag(token, "rstrip", false),
                        flag(token, "normalized", false)));

        Map<String, Integer> wholeWords = flag(model, "ignore_merges", false) ? vocabulary.ids() : Map.of();
        PieceEncoder encoder = new BytePairEncoder(byteTokens(model), merges, wholeWords, splitWords);
        return build(encoder, prefixSpace, endOfText);
    }

    private static void requireType(Json component, String type) {
        Json found = component.require("type");
        if (!found.string().equals(type)) {
            throw found.expected(Printable.quoted(type));
        }
    }

    private static void refuseOptions(Json model) {
        model.nullable("dropout").filter(rate -> rate.number() != 0).ifPresent(rate -> {
            throw rate.expected("0: tokens are not dropped at random");
        });
        for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            model.nullable(affix).filter(text -> !text.string().isEmpty()).ifPresent(text -> {
                throw text.expected("empty");
            });
        }
        if (flag(model, "byte_fallback", false)) {
            throw model.require("byte_fallback").expected("false: every character is encoded by its bytes");
        }
    }

    private int[] byteTokens(Json model) {
        int[] known = vocabulary.byteTokens(-1);
        if (Arrays.stream(known).noneMatch(id -> id < 0)
                || model.nullable("unk_token").isEmpty()) {
            return known;
        }
        Json unknown = model.require("unk_token");
        if (flag(model, "fuse_unk", false)) {
            throw model.require("fuse_unk").expected("false, where the vocabulary lacks some bytes");
        }
        Integer id = vocabulary.id(unknown.string());
        if (id == null) {
            throw unknown.expected("a token of the vocabulary");
        }
        return vocabulary.byteTokens(id);
    }

    private static boolean flag(Json json, String key, boolean fallback) {
        return json.nullable(key).map(Json::bool).orElse(fallback);
    }

    private void addMerge(String[] parts, Function<String, HyalineException> complaint) {
        if (parts.length != 2) {
            throw complaint.apply("two tokens");
        }
        Integer left = vocabulary.id(parts[0]);
        Integer right = vocabulary.id(parts[1]);
        Integer merged = vocabulary.id(parts[0] + parts[1]);
        if (left == null || right == null || merged == null) {
            throw complaint.apply("two tokens of the vocabulary which together are one");
        }
        merges.add(left, right, merged);
    }

    private void addToken(
            String content, Json id, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized) {
        if (content.length() > MAX_ADDED_TOKEN_LENGTH) {
            throw id.expected(
                    "the id of a token of at most " + MAX_ADDED_TOKEN_LENGTH + " characters, not " + content.length());
        }
        if (!content.isEmpty()) {
            vocabulary.addText(content, id);
            added.add(new AddedToken(Vocabulary.intOf(id), content, singleWord, lstrip, rstrip, normalized));
        }
    }

    private Tokenizer build(PieceEncoder encoder, boolean prefixSpace, OptionalInt endOfText) {
        PieceEncoder pieces = !prefixSpace
                ? encoder
                : (text, tokens) -> encoder.encode(text.startsWith(" ") ? text : " " + text, tokens);
        byte[][] bytes = vocabulary.bytes();
        Integer special = vocabulary.id(Gpt2Vocabulary.END_OF_TEXT);
        OptionalInt end = special != null ? OptionalInt.of(special) : endOfText;
        return new ByteLevelTokenizer(
                bytes,
                added,
                pieces,
                end.stream().filter(id -> id < bytes.length).findFirst());
    }
}
