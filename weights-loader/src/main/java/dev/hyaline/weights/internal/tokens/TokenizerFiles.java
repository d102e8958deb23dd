package dev.hyaline.weights.internal.tokens;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.HyalineException;
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
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A reader of a byte-level BPE tokenizer from {@code tokenizer.json}, or from {@code vocab.json} and {@code merges.txt}
 * (and {@code added_tokens.json}, if there is one), which the original release calls {@code encoder.json} and
 * {@code vocab.bpe}; {@code tokenizer_config.json} and {@code special_tokens_map.json} add to either. Unsupported
 * settings that would change the ids are refused by name. {@code truncation} and {@code padding} are ignored, because
 * transformers applies them only on request.
 */
public final class TokenizerFiles {
    private static final String WHOLE = "tokenizer.json";
    private static final String VOCABULARY = "vocab.json";
    private static final String MERGES = "merges.txt";
    private static final String ADDED = "added_tokens.json";

    /** The names of the vocabulary and the merges in the original release. */
    private static final String ORIGINAL_VOCABULARY = "encoder.json";

    private static final String ORIGINAL_MERGES = "vocab.bpe";

    private static final int LIMIT = 1 << 25;

    /** The most tokens that a template puts around a text, because a few bytes can name the same ones repeatedly. */
    private static final int MAX_MARKS = 1000;

    private final Vocabulary vocabulary = new Vocabulary();
    private final Merges merges = new Merges();
    private final Map<String, AddedToken> added = new LinkedHashMap<>();
    private final List<Integer> before = new ArrayList<>();
    private final List<Integer> after = new ArrayList<>();

    private TokenizerFiles() {}

    /** The files of the folder that {@link #read} reads; empty if it has no tokenizer. */
    public static List<String> in(Folder folder) {
        List<String> vocabulary = vocabularyIn(folder);
        return vocabulary.isEmpty()
                ? List.of()
                : Stream.concat(vocabulary.stream(), besideVocabularyIn(folder)).toList();
    }

    private static List<String> vocabularyIn(Folder folder) {
        if (folder.has(WHOLE)) {
            return List.of(WHOLE);
        }
        if (folder.has(VOCABULARY) || folder.has(MERGES)) {
            return Stream.of(VOCABULARY, MERGES).filter(folder::has).toList();
        }
        return folder.has(ORIGINAL_VOCABULARY) && folder.has(ORIGINAL_MERGES)
                ? List.of(ORIGINAL_VOCABULARY, ORIGINAL_MERGES)
                : List.of();
    }

    /** The files of the folder that add to a vocabulary, which may be GPT-2's own. */
    public static Stream<String> besideVocabularyIn(Folder folder) {
        return Stream.of(ADDED, SpecialTokens.CONFIG, SpecialTokens.MAP).filter(folder::has);
    }

    /** The folder's tokenizer, not read yet; empty if it has none. */
    public static Optional<TokenizerSource> source(Folder folder) {
        return vocabularyIn(folder).isEmpty() ? Optional.empty() : Optional.of(new InFolder(folder));
    }

    private record InFolder(Folder folder) implements TokenizerSource {
        @Override
        public Tokenizer read(ModelTokens model) {
            return TokenizerFiles.read(folder, model);
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
     * @throws BadCheckpointException if a file is missing or broken, or requires something unsupported
     */
    public static Tokenizer read(Folder folder, ModelTokens model) {
        TokenizerFiles files = new TokenizerFiles();
        if (folder.has(WHOLE)) {
            return files.readWhole(folder, model);
        }
        return vocabularyIn(folder).contains(ORIGINAL_VOCABULARY)
                ? files.readPair(folder, ORIGINAL_VOCABULARY, ORIGINAL_MERGES, model)
                : files.readPair(folder, VOCABULARY, MERGES, model);
    }

    /** Reads GPT-2's own vocabulary with the additions of the folder's other files. */
    public static Tokenizer readGpt2(Folder folder, ModelTokens model) {
        TokenizerFiles files = new TokenizerFiles();
        byte[][] bytes = Gpt2Vocabulary.bytes();
        for (int id = 0; id < bytes.length - 1; id++) {
            files.vocabulary.add(ByteAlphabet.spell(bytes[id]), id);
        }
        files.vocabulary.addText(Gpt2Vocabulary.END_OF_TEXT, bytes.length - 1);
        return files.build(folder, Gpt2Vocabulary.pieces(), false, true, model);
    }

    private Tokenizer readPair(Folder folder, String vocabularyFile, String mergesFile, ModelTokens model) {
        folder.readObject(vocabularyFile, LIMIT).forEachField(vocabulary::add);
        readMerges(folder, mergesFile);
        PieceEncoder encoder = new BytePairEncoder(vocabulary.byteTokens(-1), merges, Map.of(), true);
        return build(folder, encoder, false, true, model);
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

    private Tokenizer readWhole(Folder folder, ModelTokens modelTokens) {
        Json json = folder.readObject(WHOLE, LIMIT);
        // Checked first: other models' tokenizers differ in every other part as well.
        Json model = json.require("model");
        requireType(model, "BPE");
        json.nullable("normalizer").filter(normalizer -> !isEmpty(normalizer)).ifPresent(normalizer -> {
            throw normalizer.require("type").expected("absent, as text is not normalized");
        });
        Json splitter = single(json.require("pre_tokenizer"), "pretokenizers");
        requireType(splitter, "ByteLevel");
        requireType(single(json.require("decoder"), "decoders"), "ByteLevel");
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
        // Checked before the added tokens, which are not part of the model's vocabulary.
        Map<String, Integer> wholeWords = flag(model, "ignore_merges", false) ? vocabulary.ids() : Map.of();
        PieceEncoder encoder = new BytePairEncoder(byteTokens(model), merges, wholeWords, splitWords);
        json.nullable("added_tokens")
                .map(Json::elements)
                .orElse(List.of())
                .forEach(token -> addToken(new AddedToken(
                        declare(token.require("content").string(), token.require("id")),
                        token.require("content").string(),
                        flag(token, "single_word", false),
                        flag(token, "lstrip", false),
                        flag(token, "rstrip", false),
                        flag(token, "normalized", false),
                        flag(token, "special", false))));

        json.nullable("post_processor").ifPresent(this::readPostProcessor);
        return build(folder, encoder, prefixSpace, false, modelTokens);
    }

    /** Reads the tokens that a post-processor puts around a text. */
    private void readPostProcessor(Json processor) {
        Json type = processor.require("type");
        switch (type.string()) {
            case "ByteLevel" -> {
                // Changes the offsets of tokens in the text, not the tokens.
            }
            case "TemplateProcessing" -> readTemplate(processor);
            case "BertProcessing", "RobertaProcessing" -> {
                before.addFirst(markOf(processor.require("cls")));
                after.add(markOf(processor.require("sep")));
            }
            case "Sequence" -> processor.require("processors").elements().forEach(this::readPostProcessor);
            default ->
                throw type.expected("ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing or Sequence");
        }
        if (before.size() > 1) {
            throw processor.expected("one that puts at most one token before a text, not " + before.size());
        }
        if (after.size() > MAX_MARKS) {
            throw processor.expected("one that puts at most " + MAX_MARKS + " tokens after a text");
        }
    }

    private void readTemplate(Json processor) {
        List<Integer> marks = new ArrayList<>();
        boolean passed = false;
        Json single = processor.require("single");
        for (Json piece : single.elements()) {
            Optional<Json> special = piece.get("SpecialToken");
            if (special.isPresent()) {
                String name = special.get().require("id").string();
                processor
                        .require("special_tokens")
                        .require(name)
                        .require("ids")
                        .elements()
                        .forEach(id -> marks.add(known(id)));
                if (marks.size() > MAX_MARKS) {
                    throw single.expected("a template of at most " + MAX_MARKS + " special tokens");
                }
            } else {
                if (passed || !piece.require("Sequence").require("id").string().equals("A")) {
                    throw single.expected("a template that has the text, $A, once");
                }
                passed = true;
                before.addAll(0, marks);
                marks.clear();
            }
        }
        if (!passed) {
            throw single.expected("a template that has the text, $A, once");
        }
        after.addAll(marks);
    }

    /** The id in a pair of a token and its id. */
    private int markOf(Json pair) {
        List<Json> elements = pair.elements();
        if (elements.size() != 2) {
            throw pair.expected("a token and its id");
        }
        return known(elements.get(1));
    }

    private int known(Json id) {
        if (!vocabulary.has(Vocabulary.intOf(id))) {
            throw id.expected("the id of a token");
        }
        return Vocabulary.intOf(id);
    }

    /** The one part of a sequence of one; any other component is returned as it is. */
    private static Json single(Json component, String parts) {
        if (isSequence(component)) {
            List<Json> elements = component.require(parts).elements();
            return elements.size() == 1 ? elements.getFirst() : component;
        }
        return component;
    }

    private static boolean isEmpty(Json normalizer) {
        return isSequence(normalizer)
                && normalizer.require("normalizers").elements().isEmpty();
    }

    private static boolean isSequence(Json component) {
        return component.require("type").string().equals("Sequence");
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
    }

    private int[] byteTokens(Json model) {
        int[] known = vocabulary.byteTokens(-1);
        if (Arrays.stream(known).noneMatch(id -> id < 0)) {
            return known;
        }
        if (flag(model, "byte_fallback", false)) {
            throw model.require("byte_fallback").expected("false, where the vocabulary lacks some bytes");
        }
        if (model.nullable("unk_token").isEmpty()) {
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

    /** Declares an added token, which the vocabulary may have under the same id, and returns its id. */
    private int declare(String content, Json id) {
        if (content.length() > AddedToken.MAX_LENGTH) {
            throw id.expected(
                    "the id of a token of at most " + AddedToken.MAX_LENGTH + " characters, not " + content.length());
        }
        if (!content.isEmpty()) {
            vocabulary.addText(content, id);
        }
        return Vocabulary.intOf(id);
    }

    /** Adds a token, replacing one with the same text; an empty text is never found. */
    private void addToken(AddedToken token) {
        if (!token.content().isEmpty()) {
            added.put(token.content(), token);
        }
    }

    /**
     * Adds the tokens of {@code added_tokens.json}, {@code tokenizer_config.json} and {@code special_tokens_map.json},
     * as transformers does: {@code added_tokens_decoder} has the last word on a token's conditions, and a token that is
     * only named gets the next id if the vocabulary lacks it.
     */
    private void addSpecialTokens(Folder folder, SpecialTokens special) {
        List<Optional<SpecialTokens.Entry>> named = special.named();
        if (folder.has(ADDED) && !special.replacesAddedTokens()) {
            Set<String> names = named.stream()
                    .flatMap(Optional::stream)
                    .map(SpecialTokens.Entry::content)
                    .collect(Collectors.toSet());
            folder.readObject(ADDED, LIMIT).forEachField((content, id) -> {
                boolean isSpecial = names.contains(content);
                int declared = declare(content, id);
                if (!added.containsKey(content)) {
                    addToken(new AddedToken(declared, content, false, false, false, !isSpecial, isSpecial));
                }
            });
        }
        special.decoder().forEach((id, entry) -> addToken(entry.token(idOf(entry, id))));
        for (Optional<SpecialTokens.Entry> entry : named) {
            if (entry.isPresent()) {
                name(entry.get());
            } else if (!special.isEmpty() && vocabulary.id(Gpt2Vocabulary.END_OF_TEXT) == null) {
                vocabulary.leaveOut(Gpt2Vocabulary.END_OF_TEXT);
            }
        }
    }

    private void name(SpecialTokens.Entry entry) {
        AddedToken known = added.get(entry.content());
        addToken(known == null ? entry.token(idOf(entry, vocabulary.nextId())) : known.asSpecial());
    }

    /** The id of a token in the vocabulary, else a new one: the wanted one unless another token has it. */
    private int idOf(SpecialTokens.Entry entry, int wanted) {
        String content = entry.content();
        if (content.length() > AddedToken.MAX_LENGTH) {
            throw entry.json()
                    .expected("a token of at most " + AddedToken.MAX_LENGTH + " characters, not " + content.length());
        }
        Integer id = vocabulary.id(content);
        if (id == null && !content.isEmpty()) {
            id = vocabulary.has(wanted) ? vocabulary.nextId() : wanted;
            if (id > Vocabulary.MAX_ID) {
                throw entry.json().expected("in the vocabulary, where no id is left for it");
            }
            vocabulary.addText(content, id);
        } else if (id != null) {
            vocabulary.standsForItself(content);
        }
        return id == null ? wanted : id;
    }

    /** @param endOfText whether {@code <|endoftext|>} is an added token, even where no file says so */
    private Tokenizer build(
            Folder folder, PieceEncoder encoder, boolean ownPrefixSpace, boolean endOfText, ModelTokens model) {
        SpecialTokens special = SpecialTokens.read(folder);
        Integer endOfTextId = vocabulary.id(Gpt2Vocabulary.END_OF_TEXT);
        if (endOfTextId != null && special.defaultsToEndOfText() && (endOfText || !special.isEmpty())) {
            added.putIfAbsent(Gpt2Vocabulary.END_OF_TEXT, AddedToken.plain(endOfTextId, Gpt2Vocabulary.END_OF_TEXT));
            vocabulary.standsForItself(Gpt2Vocabulary.END_OF_TEXT);
        }
        addSpecialTokens(folder, special);
        boolean prefixSpace = special.prefixSpace().orElse(ownPrefixSpace);
        PieceEncoder pieces = !prefixSpace
                ? encoder
                : (text, tokens) -> encoder.encode(text.startsWith(" ") ? text : " " + text, tokens);
        byte[][] bytes = vocabulary.bytes();
        TextMarks marks = TextMarks.choose(
                new TextMarks.Named(
                        before.stream().findFirst().orElse(null),
                        after,
                        special.role("bos_token")
                                .map(entry -> vocabulary.id(entry.content()))
                                .orElse(null),
                        special.role("eos_token")
                                .map(entry -> vocabulary.id(entry.content()))
                                .orElse(null)),
                model,
                bytes.length,
                endOfTextId);
        boolean endAfter = special.addsEnd() && before.isEmpty() && after.isEmpty() && marks.end() != null;
        return new ByteLevelTokenizer(
                bytes,
                new AddedTokens(added.values(), special.splitsSpecialTokens()),
                pieces,
                endAfter ? marks.withEndAfter() : marks,
                model.size());
    }
}
