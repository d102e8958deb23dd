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
 * @param tokens what the files say of tokens besides the tokenizer
 * @param files read so far, by their names in the folder: configuration and weights
 * @param tokenizer that comes with the weights, unless that is left to files beside them
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

    /** This with an unembedding of its own. */
    OpenedModel untied() {
        Gpt2Config untied = new Gpt2Config(
                config.nLayers(),
                config.nHeads(),
                config.dModel(),
                config.dMlp(),
                config.nCtx(),
                config.dVocab(),
                config.eps(),
                config.actFn(),
                config.scaleAttnWeights(),
                config.scaleAttnByInverseLayerIdx(),
                false);
        return new OpenedModel(untied, tokens, files, tensors, tokenizer);
    }

    /** This with what another of its files says of tokens, as far as the files so far are silent. */
    OpenedModel with(ModelTokens others, String file) {
        List<String> all = new ArrayList<>(files);
        all.add(file);
        return new OpenedModel(config, tokens.or(others), all, tensors, tokenizer);
    }

    /** One without a tokenizer of its own. */
    public static OpenedModel of(Gpt2Config config, ModelTokens tokens, List<String> files, ModelTensors tensors) {
        return new OpenedModel(config, tokens, files, tensors, null);
    }
}
