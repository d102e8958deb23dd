package dev.hyaline.weights.internal.gguf;

import dev.hyaline.weights.Tokenizer;
import dev.hyaline.weights.internal.tokens.ListedTokens;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.tokens.TokenizerSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The byte-level tokenizer in a GGUF file's metadata. Only GPT-2's way to split text into words is supported. */
record GgufTokenizer(GgufFile file) implements TokenizerSource {
    private static final String KEY = "tokenizer.ggml.";
    private static final Set<String> GPT2_WORDS = Set.of("gpt-2", "gpt2", "default");

    /** The token types of llama.cpp for tokens found in the text itself, whatever the merges say. */
    private static final Set<Long> ADDED = Set.of(3L, 4L);

    private static final long UNUSED = 5;

    /** The keys of ids that stop generation: of a text, a turn, a message. */
    private static final List<String> ENDS = List.of("eos_token_id", "eot_token_id", "eom_token_id");

    /** The special tokens, from ggml's keys to transformers' names of their roles. */
    private static final Map<String, String> ROLES = Map.of(
            "bos_token_id", "bos_token",
            "eos_token_id", "eos_token",
            "unknown_token_id", "unk_token",
            "seperator_token_id", "sep_token",
            "padding_token_id", "pad_token",
            "cls_token_id", "cls_token",
            "mask_token_id", "mask_token");

    /** Reads the tokens before and after a text from the metadata. */
    static ModelTokens modelTokens(GgufFile file) {
        Integer begin = id(file, "bos_token_id").orElse(null);
        List<Integer> ends =
                ENDS.stream().flatMap(key -> id(file, key).stream()).distinct().toList();
        return new ModelTokens(0, begin, ends);
    }

    private static Optional<Integer> id(GgufFile file, String key) {
        return file.get(KEY + key).map(id -> id.integer(0, Integer.MAX_VALUE));
    }

    @Override
    public Tokenizer read(ModelTokens model) {
        return tokens().tokenizer(model);
    }

    @Override
    public Map<String, byte[]> huggingFaceFiles() {
        return tokens().huggingFaceFiles();
    }

    private ListedTokens tokens() {
        GgufValue model = file.require(KEY + "model");
        if (!model.text().equals("gpt2")) {
            throw model.expected("\"gpt2\", a byte-level tokenizer");
        }
        file.get(KEY + "pre").filter(pre -> !GPT2_WORDS.contains(pre.text())).ifPresent(pre -> {
            throw pre.expected("\"gpt-2\", as words are split in GPT-2's way alone");
        });
        file.get(KEY + "add_space_prefix").filter(GgufValue::bool).ifPresent(prefix -> {
            throw prefix.expected("false");
        });
        GgufValue listed = file.require(KEY + "tokens");
        List<String> tokens = listed.listOf(String.class, "tokens");
        Optional<List<Long>> types = file.get(KEY + "token_type").map(value -> value.listOf(Long.class, "integers"));
        if (types.isPresent() && types.get().size() != tokens.size()) {
            throw file.file().bad(tokens.size() + " token types", types.get().size() + " of them");
        }
        List<String> merges = file.require(KEY + "merges").listOf(String.class, "merges");
        return new ListedTokens(
                file.file().label(),
                tokens,
                id -> types.isPresent() && ADDED.contains(types.get().get(id)),
                id -> types.isPresent() && types.get().get(id) == UNUSED,
                merges,
                file.get(KEY + "add_eos_token").filter(GgufValue::bool).isPresent(),
                roles());
    }

    private Map<String, Integer> roles() {
        Map<String, Integer> roles = new TreeMap<>();
        ROLES.forEach((key, role) -> id(file, key).ifPresent(id -> roles.put(role, id)));
        return roles;
    }
}
