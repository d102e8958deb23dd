package dev.hyaline.instrument;

import dev.hyaline.engine.Gpt2Config;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/** A model's configuration under the keys of a Hugging Face {@code config.json}. */
public final class ConfigKeys {
    private ConfigKeys() {}

    /** Values by key, each as JSON writes it. */
    public static SequencedMap<String, String> of(Gpt2Config config) {
        SequencedMap<String, String> values = new LinkedHashMap<>();
        values.put("n_layer", String.valueOf(config.nLayers()));
        values.put("n_head", String.valueOf(config.nHeads()));
        values.put("n_embd", String.valueOf(config.dModel()));
        values.put("n_inner", String.valueOf(config.dMlp()));
        values.put("n_positions", String.valueOf(config.nCtx()));
        values.put("vocab_size", String.valueOf(config.dVocab()));
        values.put("layer_norm_epsilon", String.valueOf(config.eps()));
        values.put("activation_function", '"' + config.actFn().configName() + '"');
        values.put("scale_attn_weights", String.valueOf(config.scaleAttnWeights()));
        values.put("scale_attn_by_inverse_layer_idx", String.valueOf(config.scaleAttnByInverseLayerIdx()));
        values.put("tie_word_embeddings", String.valueOf(config.tieWordEmbeddings()));
        return values;
    }
}
