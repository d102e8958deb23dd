package dev.hyaline.analysis.sparse;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where an autoencoder comes from and what it is attached to, as far as its files say.
 *
 * @param modelName the model's name
 * @param hookName the site that it reads; empty if the files name none
 * @param hookNameOut the site that a transcoder writes
 * @param head the only head that it reads
 * @param contextSize tokens of a text in training
 * @param prependBos whether texts began with the token that begins a text
 * @param centred whether the model's writing weights were centred ({@code center_writing_weights}), so that it expects
 *     residuals without their mean
 * @param excludedTokens tokens that training left out
 * @param more all else that the files say, as JSON by key
 */
public record SaeMetadata(
        Optional<String> modelName,
        Optional<String> hookName,
        Optional<String> hookNameOut,
        OptionalInt head,
        OptionalInt contextSize,
        Optional<Boolean> prependBos,
        Optional<Boolean> centred,
        List<Integer> excludedTokens,
        Map<String, String> more) {
    public SaeMetadata {
        excludedTokens = List.copyOf(excludedTokens);
        more = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(more));
    }

    /** Nothing is known. */
    public static SaeMetadata unknown() {
        return new SaeMetadata(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                Map.of());
    }

    /** The same of a model and the site that it reads. */
    public SaeMetadata at(String model, String hook) {
        return new SaeMetadata(
                Optional.of(model),
                Optional.of(hook),
                hookNameOut,
                head,
                contextSize,
                prependBos,
                centred,
                excludedTokens,
                more);
    }

    /** The same of a transcoder that writes a site. */
    public SaeMetadata writing(String hookOut) {
        return new SaeMetadata(
                modelName,
                hookName,
                Optional.of(hookOut),
                head,
                contextSize,
                prependBos,
                centred,
                excludedTokens,
                more);
    }

    /** The same, of texts of so many tokens that begin, or do not, with the token that begins a text. */
    public SaeMetadata texts(int tokens, boolean begun) {
        return new SaeMetadata(
                modelName,
                hookName,
                hookNameOut,
                head,
                OptionalInt.of(tokens),
                Optional.of(begun),
                centred,
                excludedTokens,
                more);
    }

    /** The same, trained in this basis. */
    public SaeMetadata centred(boolean isCentred) {
        return new SaeMetadata(
                modelName,
                hookName,
                hookNameOut,
                head,
                contextSize,
                prependBos,
                Optional.of(isCentred),
                excludedTokens,
                more);
    }

    /** The same, trained without these tokens. */
    public SaeMetadata excluding(List<Integer> tokens) {
        return new SaeMetadata(modelName, hookName, hookNameOut, head, contextSize, prependBos, centred, tokens, more);
    }

    /** The same, with one more fact, as JSON. */
    public SaeMetadata with(String key, String json) {
        Map<String, String> added = new LinkedHashMap<>(more);
        added.put(key, json);
        return new SaeMetadata(
                modelName, hookName, hookNameOut, head, contextSize, prependBos, centred, excludedTokens, added);
    }
}
