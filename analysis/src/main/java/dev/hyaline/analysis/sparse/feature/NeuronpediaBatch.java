package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.feature.LatentPage.ActivationInterval;
import dev.hyaline.analysis.sparse.feature.LatentPage.Firing;
import dev.hyaline.analysis.sparse.feature.LatentPage.Histogram;
import dev.hyaline.files.JsonText;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import tools.jackson.core.JsonGenerator;

/** Latents as Neuronpedia takes them: a batch in JSON, floats to five places. */
public final class NeuronpediaBatch {
    /** Tokens shown before one that fires a latent. */
    public static final int CONTEXT_BEFORE = 10;

    /** Tokens shown after one that fires a latent. */
    public static final int CONTEXT_AFTER = 5;

    private NeuronpediaBatch() {}

    /** Those of some tokens whose contexts differ, the first of each. */
    public static List<Firing> distinct(LatentStudy study, List<Firing> firings) {
        Set<List<Integer>> seen = new HashSet<>();
        return firings.stream()
                .filter(firing -> seen.add(Arrays.stream(study.context(firing.row(), CONTEXT_BEFORE, CONTEXT_AFTER))
                        .map(study::token)
                        .boxed()
                        .toList()))
                .toList();
    }

    /**
     * The batch of some latents.
     *
     * @param text text of a token; empty if the model has no tokenizer
     */
    public static byte[] json(LatentStudy study, String model, List<LatentPage> pages, IntFunction<String> text) {
        return JsonText.compact(json -> {
            json.writeStartObject();
            json.writeStringProperty("model_id", model);
            json.writeNumberProperty(
                    "layer", Math.max(0, study.attachment().out().layer()));
            json.writeStringProperty("sae_set", study.attachment().out().site().shortName());
            json.writeStringProperty("sae_id_suffix", "");
            json.writeArrayPropertyStart("features");
            for (LatentPage page : pages) {
                feature(json, study, page, text);
            }
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    private static void feature(JsonGenerator json, LatentStudy study, LatentPage page, IntFunction<String> text) {
        json.writeStartObject();
        json.writeNumberProperty("feature_index", page.latent());
        indices(json, "neuron_alignment_indices", page.alignment().indices());
        floats(json, "neuron_alignment_values", page.alignment().values());
        floats(json, "neuron_alignment_l1", page.alignmentShares());
        indices(json, "correlated_neurons_indices", page.correlatedNeurons().indices());
        floats(json, "correlated_neurons_pearson", page.correlatedNeurons().values());
        floats(json, "correlated_neurons_l1", shares(page.correlatedNeurons()));
        indices(json, "correlated_features_indices", page.correlatedByPearson().indices());
        floats(json, "correlated_features_pearson", page.correlatedByPearson().values());
        floats(json, "correlated_features_l1", shares(page.correlatedByPearson()));
        texts(json, "neg_str", page.foldedLogits().lowered().indices(), text);
        floats(json, "neg_values", page.foldedLogits().lowered().values());
        texts(json, "pos_str", page.foldedLogits().raised().indices(), text);
        floats(json, "pos_values", page.foldedLogits().raised().values());
        json.writeName("frac_nonzero");
        json.writeNumber(rounded(page.shareFiring()));
        bars(json, "freq_hist_data_bar", page.histogram());
        bars(json, "logits_hist_data_bar", page.foldedLogits().histogram());
        json.writeNumberProperty("n_prompts_total", study.texts());
        json.writeNumberProperty("n_tokens_in_prompt", study.tokens() / Math.max(1, study.texts()));
        json.writeStringProperty("dataset", "");
        json.writeArrayPropertyStart("decoder_weights_dist");
        json.writeEndArray();
        json.writeArrayPropertyStart("activations");
        for (Firing firing : distinct(study, page.top())) {
            activation(json, study, page, firing, -1, page.maximum(), -1, text);
        }
        for (ActivationInterval interval : page.intervals()) {
            for (Firing firing : interval.examples()) {
                activation(json, study, page, firing, interval.minimum(), interval.maximum(), interval.share(), text);
            }
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void activation(
            JsonGenerator json,
            LatentStudy study,
            LatentPage page,
            Firing firing,
            double minimum,
            double maximum,
            double share,
            IntFunction<String> text) {
        int[] context = study.context(firing.row(), CONTEXT_BEFORE, CONTEXT_AFTER);
        json.writeStartObject();
        json.writeName("bin_min");
        json.writeNumber(rounded(minimum));
        json.writeName("bin_max");
        json.writeNumber(rounded(maximum));
        json.writeName("bin_contains");
        json.writeNumber(rounded(share));
        texts(json, "tokens", Arrays.stream(context).map(study::token).toArray(), text);
        float[] values = new float[context.length];
        int here = 0;
        for (int i = 0; i < context.length; i++) {
            values[i] = study.activation(page.latent(), context[i]);
            here = context[i] == firing.row() ? i : here;
        }
        floats(json, "values", values);
        json.writeNumberProperty("qualifying_token_index", here);
        json.writeEndObject();
    }

    private static float[] shares(RankedItems items) {
        float sum = 0;
        for (float value : items.values()) {
            sum += Math.abs(value);
        }
        float[] shares = new float[items.values().length];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = sum == 0 ? 0 : Math.abs(items.values()[i]) / sum;
        }
        return shares;
    }

    private static void bars(JsonGenerator json, String name, Histogram histogram) {
        indices(json, name + "_heights", histogram.counts());
        float[] middles = new float[histogram.counts().length];
        for (int i = 0; i < middles.length; i++) {
            middles[i] = (float) ((histogram.edges()[i] + histogram.edges()[i + 1]) / 2);
        }
        floats(json, name + "_values", middles);
    }

    private static void indices(JsonGenerator json, String name, int[] values) {
        json.writeName(name);
        json.writeArray(values, 0, values.length);
    }

    private static void floats(JsonGenerator json, String name, float[] values) {
        json.writeArrayPropertyStart(name);
        for (float value : values) {
            json.writeNumber(rounded(value));
        }
        json.writeEndArray();
    }

    private static double rounded(double value) {
        return Math.round(value * 1e5) / 1e5;
    }

    private static void texts(JsonGenerator json, String name, int[] tokens, IntFunction<String> text) {
        json.writeArrayPropertyStart(name);
        for (int token : tokens) {
            json.writeString(text.apply(token));
        }
        json.writeEndArray();
    }
}
