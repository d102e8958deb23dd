package dev.hyaline.weights.internal.tokens;

import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.Folder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The contents of {@code tokenizer_config.json} and {@code special_tokens_map.json}, as transformers reads them:
 * special tokens by their roles, added tokens by their ids, and options.
 */
final class SpecialTokens {
    static final String CONFIG = "tokenizer_config.json";
    static final String MAP = "special_tokens_map.json";

    private static final int LIMIT = 1 << 25;

    /** The roles, in the order in which transformers assigns ids to tokens that the vocabulary lacks. */
    private static final List<String> ROLES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    private static final List<String> LISTS = List.of("additional_special_tokens", "extra_special_tokens");

    /** The roles that GPT-2's tokenizer gives to the end-of-text token if no other is named. */
    private static final List<String> DEFAULT_ROLES = ROLES.subList(0, 3);

    private static final Set<String> GPT2_CLASSES = Set.of("GPT2Tokenizer", "GPT2TokenizerFast");

    /** The classes that use a tokenizer's files unchanged. */
    private static final Set<String> PLAIN_CLASSES = Set.of(
            "PreTrainedTokenizer",
            "PreTrainedTokenizerFast",
            "TokenizersBackend",
            "CodeGenTokenizer",
            "CodeGenTokenizerFast",
            "GPTNeoXTokenizer",
            "GPTNeoXTokenizerFast");

    private final @Nullable Json config;
    private final @Nullable Json map;

    private SpecialTokens(@Nullable Json config, @Nullable Json map) {
        this.config = config;
        this.map = map;
    }

    /**
     * Reads the files that are present.
     *
     * @throws dev.hyaline.engine.error.BadCheckpointException if they are broken, or ask for another kind of tokenizer
     */
    static SpecialTokens read(Folder folder) {
        SpecialTokens special = new SpecialTokens(readFile(folder, CONFIG), readFile(folder, MAP));
        special.tokenizerClass().ifPresent(type -> {
            if (!GPT2_CLASSES.contains(type.string()) && !PLAIN_CLASSES.contains(type.string())) {
                throw type.expected("GPT2Tokenizer or PreTrainedTokenizerFast, as tokens are byte-level");
            }
        });
        return special;
    }

    private static @Nullable Json readFile(Folder folder, String file) {
        return folder.has(file) ? folder.readObject(file, LIMIT) : null;
    }

    private Optional<Json> tokenizerClass() {
        return configured("tokenizer_class");
    }

    boolean isEmpty() {
        return config == null && map == null;
    }

    /** Returns whether {@code <|endoftext|>} has the roles that the files leave open. */
    boolean defaultsToEndOfText() {
        boolean gpt2 =
                tokenizerClass().map(Json::string).map(GPT2_CLASSES::contains).orElse(true);
        return gpt2 && DEFAULT_ROLES.stream().anyMatch(this::isOpen);
    }

    private boolean isOpen(String role) {
        return sources().allMatch(json -> json.get(role).isEmpty());
    }

    /** The token of a role; empty if no file names one. */
    Optional<Entry> role(String role) {
        return sources()
                .map(json -> json.get(role))
                .flatMap(Optional::stream)
                .findFirst()
                .filter(json -> !json.isNull())
                .map(json -> entry(json, true));
    }

    /**
     * The files in order of precedence: if it has {@code added_tokens_decoder}, {@code tokenizer_config.json} is
     * complete, and the other file is from an older version.
     */
    private Stream<Json> sources() {
        return Stream.of(
                        Optional.ofNullable(hasDecoder() ? config : map),
                        Optional.ofNullable(hasDecoder() ? map : config))
                .flatMap(Optional::stream);
    }

    private boolean hasDecoder() {
        return configured("added_tokens_decoder").isPresent();
    }

    /** Returns whether {@code added_tokens.json} is from an older version than {@code tokenizer_config.json}. */
    boolean replacesAddedTokens() {
        return hasDecoder();
    }

    /** The special tokens in the order in which they get ids, roles first; an open role is an empty entry. */
    List<Optional<Entry>> named() {
        List<Optional<Entry>> named = new ArrayList<>();
        for (String role : ROLES) {
            Optional<Entry> entry = role(role);
            if (entry.isPresent()) {
                named.add(entry);
            } else if (defaultsToEndOfText() && DEFAULT_ROLES.contains(role) && isOpen(role)) {
                named.add(Optional.empty());
            }
        }
        for (Json json : sources().toList()) {
            json.forEachField((key, value) -> {
                boolean ofModel =
                        key.endsWith("_token") && !ROLES.contains(key) && (value.isString() || value.isObject());
                if (ofModel) {
                    named.add(Optional.of(entry(value, true)));
                } else if (LISTS.contains(key) && !value.isNull()) {
                    list(value).forEach(entry -> named.add(Optional.of(entry)));
                }
            });
        }
        return named;
    }

    private static List<Entry> list(Json tokens) {
        List<Entry> entries = new ArrayList<>();
        if (tokens.isObject()) {
            tokens.forEachField((role, token) -> entries.add(entry(token, true)));
        } else {
            tokens.elements().forEach(token -> entries.add(entry(token, true)));
        }
        return entries;
    }

    /** The tokens of {@code added_tokens_decoder} by id. */
    Map<Integer, Entry> decoder() {
        Map<Integer, Entry> decoder = new TreeMap<>();
        configured("added_tokens_decoder")
                .ifPresent(tokens -> tokens.forEachField((id, token) -> {
                    if (!id.matches("0|[1-9]\\d{0,6}") || Integer.parseInt(id) > Vocabulary.MAX_ID) {
                        throw token.expected(
                                "under an id from 0 to " + Vocabulary.MAX_ID + ", not " + Printable.quoted(id));
                    }
                    decoder.put(Integer.parseInt(id), entry(token, false));
                }));
        return decoder;
    }

    /**
     * Returns whether a blank is put before a word at the start of a text; empty if {@code tokenizer_config.json} does
     * not say.
     */
    Optional<Boolean> prefixSpace() {
        return option("add_prefix_space");
    }

    /** Returns whether special tokens in a text are encoded like the rest of it. */
    boolean splitsSpecialTokens() {
        return option("split_special_tokens").orElse(false);
    }

    /** Returns whether the token that ends a text is put after each text. */
    boolean addsEnd() {
        return option("add_eos_token").orElse(false);
    }

    private Optional<Boolean> option(String key) {
        return configured(key).map(Json::bool);
    }

    private Optional<Json> configured(String key) {
        return Optional.ofNullable(config).flatMap(json -> json.nullable(key));
    }

    private static Entry entry(Json json, boolean special) {
        return json.isString() ? new Entry(json, json, special) : new Entry(json, json.require("content"), special);
    }

    /** A token in a file: a text, or an object with conditions. */
    record Entry(Json json, Json text, boolean named) {
        String content() {
            return text.string();
        }

        AddedToken token(int id) {
            return new AddedToken(
                    id,
                    content(),
                    flag("single_word", false),
                    flag("lstrip", false),
                    flag("rstrip", false),
                    // The default of transformers' AddedToken.
                    flag("normalized", !(named || flag("special", false))),
                    named || flag("special", false));
        }

        private boolean flag(String key, boolean fallback) {
            return json.nullable(key).map(Json::bool).orElse(fallback);
        }
    }
}
