package dev.hyaline.weights.internal;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.weights.internal.tokens.TokenizerSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A checkpoint whose files have been opened, in whatever format they are.
 *
 * @param endOfText id that the files say ends a text; empty if they do not
 * @param files read so far, by their names in the folder: configuration and weights
 * @param tokenizer that comes with the weights; empty if that is left to files beside them
 */
public record OpenedModel(
        Gpt2Config config,
        OptionalInt endOfText,
        List<String> files,
        ModelTensors tensors,
        Optional<TokenizerSource> tokenizer) {
    public OpenedModel {
        files = List.copyOf(files);
    }

    /** One without a tokenizer of its own. */
    public static OpenedModel of(Gpt2Config config, OptionalInt endOfText, List<String> files, ModelTensors tensors) {
        return new OpenedModel(config, endOfText, files, tensors, Optional.empty());
    }
}
