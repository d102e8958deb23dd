package dev.hyaline.files;

import dev.hyaline.engine.config.Gpt2Config;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/** The keys of a Hugging Face {@code config.json} that distinguish one GPT-2 from another. */
public final class ConfigKeys {
    /** The name of the file. */
    public static final String FILE = "config.json";

    public static final String LAYERS = "n_layer";
    public static final String HEADS = "n_head";
    public static final String WIDTH = "n_embd";
    public static final String MLP_WIDTH = "n_inner";
    public static final String CONTEXT = "n_positions";
    public static final String VOCABULARY = "vocab_size";
    public static final String EPSILON = "layer_norm_epsilon";
    public static final String ACTIVATION = "activation_function";
    public static final String SCALED = "scale_attn_weights";
    public static final String SCALED_BY_LAYER = "scale_attn_by_inverse_layer_idx";
    public static final String TIED = "tie_word_embeddings";

    private ConfigKeys() {}

    /** A model's configuration by key, each value in JSON. */
    public static SequencedMap<String, String> of(Gpt2Config config) {
        SequencedMap<String, String> values = new LinkedHashMap<>();
        values.put(LAYERS, String.valueOf(config.nLayers()));
        values.put(HEADS, String.valueOf(config.nHeads()));
        values.put(WIDTH, String.valueOf(config.dModel()));
        values.put(MLP_WIDTH, String.valueOf(config.dMlp()));
        values.put(CONTEXT, String.valueOf(config.nCtx()));
        values.put(VOCABULARY, String.valueOf(config.dVocab()));
        // The shortest decimal that reads back as this float.
        values.put(EPSILON, String.valueOf(config.eps()));
        values.put(ACTIVATION, '"' + config.actFn().configName() + '"');
        values.put(SCALED, String.valueOf(config.scaleAttnWeights()));
        values.put(SCALED_BY_LAYER, String.valueOf(config.scaleAttnByInverseLayerIdx()));
        values.put(TIED, String.valueOf(config.tieWordEmbeddings()));
        return values;
    }
}
