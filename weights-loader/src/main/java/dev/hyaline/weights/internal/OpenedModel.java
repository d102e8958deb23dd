package dev.hyaline.weights.internal;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.tokens.TokenizerSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint whose files have been opened, in whatever format they are.
 *
 * @param tokens the facts about tokens outside the tokenizer
 * @param files read so far, by their names in the folder: configuration and weights
 * @param tokenizer the tokenizer in the file of weights; null if it is in files beside it
 */
public record OpenedModel(
        Gpt2Config config,
        ModelTokens tokens,
        List<String> files,
        ModelTensors tensors,
        @Nullable TokenizerSource tokenizer) {
    public OpenedModel {
        files = List.copyOf(files);
        tokens = tokens.ofSize(config.dVocab());
    }

    /** The same model with an unembedding of its own. */
    OpenedModel untied() {
        return new OpenedModel(config.untied(), tokens, files, tensors, tokenizer);
    }

    /** The same model with the facts about tokens that another file adds to those of the files so far. */
    OpenedModel with(ModelTokens others, String file) {
        List<String> all = new ArrayList<>(files);
        all.add(file);
        return new OpenedModel(config, tokens.or(others), all, tensors, tokenizer);
    }

    /** A model without a tokenizer in the file of weights. */
    public static OpenedModel of(Gpt2Config config, ModelTokens tokens, List<String> files, ModelTensors tensors) {
        return new OpenedModel(config, tokens, files, tensors, null);
    }
}
