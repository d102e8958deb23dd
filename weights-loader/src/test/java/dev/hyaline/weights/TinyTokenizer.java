package dev.hyaline.weights;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Tokenizer files of a vocabulary of the 256 bytes and a few words, to be bent by tests before they are written. Parts
 * are raw JSON.
 */
public final class TinyTokenizer {
    public final Map<String, Integer> vocabulary = new LinkedHashMap<>();
    public final List<String> merges = new ArrayList<>(
            List.of("t h", "th e", "Ġ the", "Ġ w", "o r", "Ġw or", "Ġwor d", "a a", "aa a", "' l", "'l l"));

    public String normalizer = "null";
    public String preTokenizer =
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}";
    public String decoder = "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true}";
    public String addedTokens = plain(299, "<|endoftext|>") + ", " + plain(300, "<pad>");
    public String modelType = "\"BPE\"";
    public String modelOptions = "\"dropout\": null, \"unk_token\": null, \"continuing_subword_prefix\": \"\","
            + " \"end_of_word_suffix\": \"\", \"fuse_unk\": false, \"byte_fallback\": false";
    public boolean mergesAsPairs;

    public TinyTokenizer() {
        for (int b = 0, other = 0x100; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            vocabulary.put(String.valueOf((char) (printable ? b : other++)), b);
        }
        merges.forEach(merge -> vocabulary.put(merge.replace(" ", ""), vocabulary.size()));
        vocabulary.put("<|endoftext|>", 299);
    }

    /** An added token without conditions. */
    public static String plain(int id, String content) {
        return "{\"id\": " + id + ", \"content\": " + quoted(content)
                + ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false,"
                + " \"special\": true}";
    }

    public String vocabularyJson() {
        return vocabulary.entrySet().stream()
                .map(entry -> quoted(entry.getKey()) + ": " + entry.getValue())
                .collect(Collectors.joining(", ", "{", "}"));
    }

    public String mergesText() {
        return "#version: 0.2\n" + String.join("\n", merges) + "\n";
    }

    public String json() {
        String mergesJson = merges.stream()
                .map(merge -> mergesAsPairs
                        ? "[" + quoted(merge.replaceFirst(" .*", "")) + "," + quoted(merge.replaceFirst(".* ", ""))
                                + "]"
                        : quoted(merge))
                .collect(Collectors.joining(", ", "[", "]"));
        return """
            {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s],
             "normalizer": %s, "pre_tokenizer": %s, "post_processor": null, "decoder": %s,
             "model": {"type": %s, %s, "vocab": %s, "merges": %s}}
            """.formatted(
                addedTokens, normalizer, preTokenizer, decoder, modelType, modelOptions, vocabularyJson(), mergesJson);
    }

    /** Writes {@code tokenizer.json}. */
    public Path write(Path directory) {
        return TinyCheckpoint.write(directory, "tokenizer.json", json());
    }

    /** Writes {@code vocab.json} and {@code merges.txt}. */
    public Path writePair(Path directory) {
        TinyCheckpoint.write(directory, "merges.txt", mergesText());
        return TinyCheckpoint.write(directory, "vocab.json", vocabularyJson());
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
