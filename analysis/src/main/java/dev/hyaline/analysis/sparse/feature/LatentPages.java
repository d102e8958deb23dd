package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.feature.LatentPage.ActivationInterval;
import dev.hyaline.analysis.sparse.feature.LatentPage.Firing;
import dev.hyaline.analysis.sparse.feature.LatentPage.Histogram;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Markup;
import dev.hyaline.files.PartialFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import tools.jackson.core.JsonGenerator;

/**
 * Writes latents as files: {@code index.html} and a page for each, which open in a browser without a server or a
 * network, and {@code neuronpedia.json}, a batch as Neuronpedia takes it.
 */
public final class LatentPages {
    private static final int CONTEXT_BEFORE = 10;
    private static final int CONTEXT_AFTER = 5;
    private static final String STYLE = """
        body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:76rem;padding:0 1rem;color:#1a1a1a}
        h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.05rem;margin:1.4rem 0 .4rem}
        .facts{color:#555;margin-bottom:1rem}a{color:#0b57d0;text-decoration:none}a:hover{text-decoration:underline}
        table{border-collapse:collapse}td,th{padding:.15rem .6rem .15rem 0;text-align:left;vertical-align:top}
        td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
        .text{font:14px/1.6 ui-monospace,monospace;white-space:pre-wrap;margin:.15rem 0}
        .text span{border-radius:3px}.text .here{outline:1px solid #b45309}
        .grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:0 2rem}
        .value{color:#777;font-size:12px;margin-right:.6rem;display:inline-block;width:4.2rem;text-align:right}
        svg{background:#fafafa;border:1px solid #e5e5e5}
        """;

    private LatentPages() {}

    /**
     * Writes the pages of some latents to a new folder.
     *
     * @param text text of a token; empty if the model has no tokenizer
     * @param progress told after each page
     * @throws BadInputException if the folder exists
     * @throws FileException if it cannot be written
     */
    public static void write(
            LatentStudy study,
            String model,
            int[] latents,
            IntFunction<String> text,
            Path folder,
            IntConsumer progress) {
        Path target = folder.toAbsolutePath().normalize();
        if (Files.exists(target)) {
            throw new BadInputException(folder + " exists already; choose another folder, or remove it first");
        }
        Set<Integer> written = new HashSet<>();
        for (int latent : latents) {
            BadInputException.requireIndex("latent", latent, study.latents());
            written.add(latent);
        }
        try (PartialFolder partial = PartialFolder.begin(target)) {
            LatentPage[] pages = new LatentPage[latents.length];
            for (int i = 0; i < latents.length; i++) {
                pages[i] = study.page(latents[i]);
                String html = page(study, model, pages[i], text, written);
                Files.writeString(partial.path().resolve(fileName(latents[i])), html);
                progress.accept(1);
            }
            Files.writeString(partial.path().resolve("index.html"), index(study, model, pages, text));
            Files.write(partial.path().resolve("neuronpedia.json"), neuronpedia(study, model, pages, text));
            partial.commit();
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }

    private static String fileName(int latent) {
        return "latent-" + latent + ".html";
    }

    private static String head(String title) {
        return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>"
                + Markup.escaped(title)
                + "</title><style>\n" + STYLE + "</style></head><body>\n";
    }

    private static String index(LatentStudy study, String model, LatentPage[] pages, IntFunction<String> text) {
        StringBuilder html =
                new StringBuilder(head("Latents of " + study.attachment().place()));
        html.append("<h1>Latents of ")
                .append(Markup.escaped(model + ", " + study.attachment().place()))
                .append("</h1>\n<p class=\"facts\">")
                .append(study.latents())
                .append(" latents, of which ")
                .append(study.firing().length)
                .append(" fire on ")
                .append(study.tokens())
                .append(" tokens of ")
                .append(study.texts())
                .append(" texts; ")
                .append(pages.length)
                .append(" shown</p>\n<table><tr><th class=\"n\">latent</th><th class=\"n\">fires on</th>"
                        + "<th class=\"n\">maximum</th><th>strongest at</th><th>raises</th></tr>\n");
        for (LatentPage page : pages) {
            html.append("<tr><td class=\"n\"><a href=\"")
                    .append(fileName(page.latent()))
                    .append("\">")
                    .append(page.latent())
                    .append("</a></td><td class=\"n\">")
                    .append(percent(page.shareFiring()))
                    .append("</td><td class=\"n\">")
                    .append(number(page.maximum()))
                    .append("</td><td>");
            if (!page.top().isEmpty()) {
                Firing first = page.top().getFirst();
                text(html, study, page, first, text, 4, 0);
            }
            html.append("</td><td>");
            for (int i = 0; i < Math.min(4, page.foldedLogits().raised().indices().length); i++) {
                html.append(i > 0 ? ", " : "")
                        .append(Markup.escaped(
                                shown(text.apply(page.foldedLogits().raised().indices()[i]))));
            }
            html.append("</td></tr>\n");
        }
        return html.append("</table>\n</body></html>\n").toString();
    }

    private static String page(
            LatentStudy study, String model, LatentPage page, IntFunction<String> text, Set<Integer> written) {
        StringBuilder html = new StringBuilder(head("Latent " + page.latent()));
        html.append("<p><a href=\"index.html\">all latents</a></p>\n<h1>Latent ")
                .append(page.latent())
                .append("</h1>\n<p class=\"facts\">")
                .append(Markup.escaped(model + ", " + study.attachment().place()))
                .append(". Fires on ")
                .append(percent(page.shareFiring()))
                .append(" of ")
                .append(study.tokens())
                .append(" tokens; largest activation ")
                .append(number(page.maximum()))
                .append(", mean where it fires ")
                .append(number(page.meanFiring()))
                .append(".</p>\n<div class=\"grid\"><section><h2>Activations that are not zero</h2>");
        histogram(html, page.histogram(), "#b45309");
        html.append("</section><section><h2>Effect on all logits</h2>");
        histogram(html, page.foldedLogits().histogram(), "#0b57d0");
        html.append("</section></div>\n<div class=\"grid\">");
        tokens(html, "Logits raised", page.foldedLogits().raised(), text);
        tokens(html, "Logits lowered", page.foldedLogits().lowered(), text);
        latents(html, "Decoder neighbours (cosine)", page.neighbours(), written);
        latents(html, "Fire together (Jaccard)", page.coactivation(), written);
        latents(html, "Correlated latents (Pearson)", page.correlatedByPearson(), written);
        latents(html, "Correlated latents (cosine)", page.correlatedByCosine(), written);
        plain(html, "Correlated dimensions (Pearson)", page.correlatedNeurons());
        plain(html, "Dimensions of the decoder row", page.alignment());
        html.append("</div>\n<p class=\"facts\">Logit effects go through the final norm's gain, of the centred decoder"
                + " row, less their mean over the vocabulary.</p>\n<h2>Largest activations</h2>\n");
        Set<List<Integer>> seen = new HashSet<>();
        for (Firing firing : page.top()) {
            if (seen.add(window(study, firing))) {
                example(html, study, page, firing, text);
            }
        }
        for (int i = page.intervals().size() - 1; i >= 0; i--) {
            ActivationInterval interval = page.intervals().get(i);
            html.append("<h2>")
                    .append(number(interval.minimum()))
                    .append(" to ")
                    .append(number(interval.maximum()))
                    .append(" <span class=\"facts\">")
                    .append(percent(interval.share()))
                    .append(" of tokens</span></h2>\n");
            interval.examples().forEach(firing -> example(html, study, page, firing, text));
        }
        return html.append("</body></html>\n").toString();
    }

    /** The tokens around a firing, by which two contexts that are the same are found. */
    private static List<Integer> window(LatentStudy study, Firing firing) {
        return Arrays.stream(study.context(firing.row(), CONTEXT_BEFORE, CONTEXT_AFTER))
                .map(study::token)
                .boxed()
                .toList();
    }

    private static void example(
            StringBuilder html, LatentStudy study, LatentPage page, Firing firing, IntFunction<String> text) {
        html.append("<div class=\"text\"><span class=\"value\">")
                .append(number(firing.activation()))
                .append("</span>");
        text(html, study, page, firing, text, CONTEXT_BEFORE, CONTEXT_AFTER);
        html.append("</div>\n");
    }

    private static void text(
            StringBuilder html,
            LatentStudy study,
            LatentPage page,
            Firing firing,
            IntFunction<String> text,
            int before,
            int after) {
        for (int row : study.context(firing.row(), before, after)) {
            float activation = study.activation(page.latent(), row);
            double share = page.maximum() == 0 ? 0 : Math.min(1, activation / page.maximum());
            html.append("<span")
                    .append(row == firing.row() ? " class=\"here\"" : "")
                    .append(
                            share > 0
                                    ? String.format(Locale.ROOT, " style=\"background:rgba(245,158,11,%.2f)\"", share)
                                    : "")
                    .append(" title=\"")
                    .append(number(activation))
                    .append("\">")
                    .append(Markup.escaped(shown(text.apply(study.token(row)))))
                    .append("</span>");
        }
    }

    private static void histogram(StringBuilder html, Histogram histogram, String colour) {
        int width = 400;
        int height = 110;
        int most = 1;
        for (int count : histogram.counts()) {
            most = Math.max(most, count);
        }
        int bins = histogram.counts().length;
        html.append("<svg width=\"")
                .append(width)
                .append("\" height=\"")
                .append(height + 18)
                .append("\">");
        for (int i = 0; i < bins; i++) {
            double bar = (double) histogram.counts()[i] * (height - 8) / most;
            html.append(String.format(
                    Locale.ROOT,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"><title>%.3g to %.3g:"
                            + " %d</title></rect>",
                    (double) i * width / bins,
                    height - bar,
                    (double) width / bins - 1,
                    bar,
                    colour,
                    histogram.edges()[i],
                    histogram.edges()[i + 1],
                    histogram.counts()[i]));
        }
        html.append("<text x=\"2\" y=\"")
                .append(height + 14)
                .append("\" font-size=\"11\">")
                .append(number(histogram.edges()[0]))
                .append("</text><text x=\"")
                .append(width - 2)
                .append("\" y=\"")
                .append(height + 14)
                .append("\" font-size=\"11\" text-anchor=\"end\">")
                .append(number(histogram.edges()[bins]))
                .append("</text></svg>");
    }

    private static void tokens(StringBuilder html, String title, RankedItems items, IntFunction<String> text) {
        html.append("<section><h2>").append(title).append("</h2><table>");
        for (int i = 0; i < items.indices().length; i++) {
            html.append("<tr><td class=\"n\">")
                    .append(number(items.values()[i]))
                    .append("</td><td>")
                    .append(Markup.escaped(shown(text.apply(items.indices()[i]))))
                    .append("</td></tr>");
        }
        html.append("</table></section>\n");
    }

    private static void latents(StringBuilder html, String title, RankedItems items, Set<Integer> written) {
        html.append("<section><h2>").append(title).append("</h2><table>");
        for (int i = 0; i < items.indices().length; i++) {
            int latent = items.indices()[i];
            html.append("<tr><td class=\"n\">")
                    .append(number(items.values()[i]))
                    .append("</td><td>")
                    .append(
                            written.contains(latent)
                                    ? "<a href=\"" + fileName(latent) + "\">" + latent + "</a>"
                                    : String.valueOf(latent))
                    .append("</td></tr>");
        }
        html.append("</table></section>\n");
    }

    private static void plain(StringBuilder html, String title, RankedItems items) {
        latents(html, title, items, Set.of());
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f%%", 100 * share);
    }

    /** Line ends as a sign, so that a context stays on its line. */
    private static String shown(String text) {
        return text.replace("\n", "\u21b5").replace("\r", "").replace("\t", "\u2192");
    }

    /** Neuronpedia's batch, floats to five places. */
    private static byte[] neuronpedia(LatentStudy study, String model, LatentPage[] pages, IntFunction<String> text) {
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
        Set<List<Integer>> seen = new HashSet<>();
        for (Firing firing : page.top()) {
            if (seen.add(window(study, firing))) {
                activation(json, study, page, firing, -1, page.maximum(), -1, text);
            }
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
