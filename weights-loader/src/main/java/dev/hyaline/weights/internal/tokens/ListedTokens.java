package dev.hyaline.weights.internal.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import tools.jackson.core.JsonGenerator;

/**
 * A byte-level tokenizer given as lists: the token of each id, spelled in the {@link ByteAlphabet}, and merges of two
 * tokens with a blank between them.
 *
 * @param file for errors
 * @param added whether an id's token is found in the text itself
 * @param unused whether an id only pads the list to a round number
 * @param addsEnd whether the token that ends a text is put after each
 * @param roles ids of special tokens by transformers' names of their roles, such as {@code bos_token}
 */
public record ListedTokens(
        String file,
        List<String> tokens,
        IntPredicate added,
        IntPredicate unused,
        List<String> merges,
        boolean addsEnd,
        Map<String, Integer> roles) {
    /** Builds the tokenizer. */
    public Tokenizer tokenizer(ModelTokens model) {
        if (tokens.size() > Vocabulary.MAX_ID + 1) {
            throw bad("at most " + (Vocabulary.MAX_ID + 1) + " tokens", tokens.size() + " tokens");
        }
        Vocabulary vocabulary = new Vocabulary();
        List<AddedToken> addedTokens = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            if (!unused.test(id)) {
                add(vocabulary, addedTokens, id);
            }
        }
        Merges ranked = new Merges();
        for (String merge : merges) {
            String[] parts = merge.split(" ", -1);
            Integer left = vocabulary.id(parts[0]);
            Integer right = vocabulary.id(parts[parts.length - 1]);
            Integer merged = vocabulary.id(merge.replace(" ", ""));
            if (parts.length != 2 || left == null || right == null || merged == null) {
                throw bad("merges of two tokens of the vocabulary which together are one", Printable.quoted(merge));
            }
            ranked.add(left, right, merged);
        }
        PieceEncoder encoder = new BytePairEncoder(vocabulary.byteTokens(-1), ranked, Map.of(), true);
        Integer endOfText = vocabulary.id(Gpt2Vocabulary.END_OF_TEXT);
        TextMarks marks = TextMarks.choose(TextMarks.Named.NONE, model, tokens.size(), endOfText);
        return new ByteLevelTokenizer(
                vocabulary.bytes(),
                new AddedTokens(addedTokens, false),
                encoder,
                addsEnd && marks.end() != null ? marks.withEndAfter() : marks,
                model.size());
    }

    private void add(Vocabulary vocabulary, List<AddedToken> addedTokens, int id) {
        String token = tokens.get(id);
        boolean isAdded = isAdded(id);
        if (isAdded && (token.isEmpty() || token.length() > AddedToken.MAX_LENGTH)) {
            throw bad(
                    "added tokens of 1 to " + AddedToken.MAX_LENGTH + " characters",
                    token.length() + " for token " + id);
        }
        if (!(isAdded ? vocabulary.addText(token, id) : vocabulary.add(token, id))) {
            throw bad("each token once", Printable.quoted(token) + " again as " + id);
        }
        if (isAdded) {
            addedTokens.add(AddedToken.plain(id, token));
        }
    }

    /** Returns whether a token is found in the text itself; without types, the end-of-text token is. */
    private boolean isAdded(int id) {
        return added.test(id) || tokens.get(id).equals(Gpt2Vocabulary.END_OF_TEXT);
    }

    /**
     * {@code vocab.json}, {@code merges.txt}, and {@code tokenizer_config.json} with the added tokens and the roles.
     */
    public Map<String, byte[]> huggingFaceFiles() {
        tokenizer(ModelTokens.UNKNOWN); // Nothing broken is passed on.
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        Map<String, Integer> others = new LinkedHashMap<>();
        for (int id = 0; id < tokens.size(); id++) {
            if (!unused.test(id)) {
                (isAdded(id) ? others : vocabulary).put(tokens.get(id), id);
            }
        }
        // GPT-2's own end-of-text token is also in its vocabulary.
        Integer endOfText = others.get(Gpt2Vocabulary.END_OF_TEXT);
        if (endOfText != null) {
            vocabulary.put(Gpt2Vocabulary.END_OF_TEXT, endOfText);
        }
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("vocab.json", json(json -> vocabulary.forEach(json::writeNumberProperty)));
        files.put("merges.txt", ("#version: 0.2\n" + String.join("\n", merges) + "\n").getBytes(UTF_8));
        files.put(SpecialTokens.CONFIG, json(json -> writeConfig(json, others)));
        return files;
    }

    private void writeConfig(JsonGenerator json, Map<String, Integer> others) {
        json.writeStringProperty("tokenizer_class", "GPT2Tokenizer");
        json.writeBooleanProperty("add_prefix_space", false);
        if (addsEnd) {
            json.writeBooleanProperty("add_eos_token", true);
        }
        roles.forEach((role, id) -> {
            if (id < tokens.size() && !unused.test(id)) {
                json.writeStringProperty(role, tokens.get(id));
            }
        });
        json.writeObjectPropertyStart("added_tokens_decoder");
        others.forEach((token, id) -> {
            json.writeObjectPropertyStart(String.valueOf(id));
            json.writeStringProperty("content", token);
            for (String condition : List.of("lstrip", "rstrip", "single_word", "normalized")) {
                json.writeBooleanProperty(condition, false);
            }
            json.writeBooleanProperty("special", true);
            json.writeEndObject();
        });
        json.writeEndObject();
    }

    private static byte[] json(Consumer<JsonGenerator> fields) {
        return JsonText.compact(json -> {
            json.writeStartObject();
            fields.accept(json);
            json.writeEndObject();
        });
    }

    private BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.file(file, expected, found);
    }
}
