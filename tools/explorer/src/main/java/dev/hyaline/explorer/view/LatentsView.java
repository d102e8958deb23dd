package dev.hyaline.explorer.view;

import dev.hyaline.analysis.sparse.feature.LatentPage;
import dev.hyaline.analysis.sparse.feature.LatentPage.Firing;
import dev.hyaline.analysis.sparse.feature.LatentPage.Histogram;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.feature.NeuronpediaBatch;
import dev.hyaline.analysis.sparse.feature.RankedItems;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.TokenText;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Latents of a sparse autoencoder or transcoder, one at a time: where each fires in texts and in a prompt, which logits
 * it raises and lowers, how often and how strongly it fires, and which others it resembles.
 */
public final class LatentsView implements DataView {
    /** The name of the view. */
    public static final String NAME = "latents";

    private final ViewHeading heading;
    private final LatentStudy study;
    private final List<LatentPage> pages;
    private final IntFunction<ViewToken> vocabulary;
    /** Of the prompt, {@code [latents, tokens]}; null without one. */
    private final float @Nullable [] activations;
    /** Latents that fire on the prompt and have no page here, strongest first; empty without a prompt. */
    private final int[] others;
    /** Their largest activations on it. */
    private final float[] othersMaxima;

    private LatentsView(
            ViewHeading heading,
            LatentStudy study,
            List<LatentPage> pages,
            IntFunction<ViewToken> vocabulary,
            float @Nullable [] activations,
            int[] others,
            float[] othersMaxima) {
        this.heading = heading;
        this.study = study;
        this.pages = List.copyOf(pages);
        this.vocabulary = vocabulary;
        this.activations = activations;
        this.others = others;
        this.othersMaxima = othersMaxima;
    }

    /**
     * A view of some latents.
     *
     * @param latents in the order in which they are shown
     * @param vocabulary the tokens by id
     * @throws BadInputException if there is none, or no such latent
     */
    public static LatentsView of(
            ViewHeading heading, LatentStudy study, int[] latents, IntFunction<ViewToken> vocabulary) {
        if (latents.length == 0) {
            throw new BadInputException("a view of latents needs at least one");
        }
        return new LatentsView(
                heading,
                study,
                Arrays.stream(latents).mapToObj(study::page).toList(),
                vocabulary,
                null,
                new int[0],
                new float[0]);
    }

    /**
     * The same view with the activations on the prompt of its heading.
     *
     * @param ofPrompt a study of that prompt alone, by the same autoencoder
     * @throws BadShapeException if it is of more or fewer tokens
     */
    public LatentsView withPrompt(LatentStudy ofPrompt) {
        int length = heading.tokens().size();
        if (ofPrompt.rows() != length) {
            throw new BadShapeException("activations on the prompt", length + " tokens", ofPrompt.rows() + " tokens");
        }
        float[] values = new float[Math.multiplyExact(pages.size(), length)];
        for (int i = 0; i < pages.size(); i++) {
            for (int t = 0; t < length; t++) {
                values[i * length + t] = ofPrompt.activation(pages.get(i).latent(), t);
            }
        }
        Set<Integer> shown = pages.stream().map(LatentPage::latent).collect(Collectors.toSet());
        int[] others = Arrays.stream(strongest(ofPrompt))
                .filter(latent -> !shown.contains(latent))
                .toArray();
        float[] maxima = new float[others.length];
        for (int i = 0; i < others.length; i++) {
            maxima[i] = ofPrompt.maximum(others[i]);
        }
        return new LatentsView(heading, study, pages, vocabulary, values, others, maxima);
    }

    /** The latents that fire in a study, those with the largest activation first. */
    public static int[] strongest(LatentStudy study) {
        return Arrays.stream(study.firing())
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(latent -> -study.maximum(latent))
                        .thenComparingInt(latent -> latent))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    @Override
    public ViewData data() {
        Map<Integer, ViewToken> used = new TreeMap<>();
        List<DataObject> latents =
                pages.stream().map(page -> latent(page, used)).toList();
        DataObject data = DataObject.empty()
                .with("place", study.attachment().place())
                .with("of", study.latents())
                .with("firing", study.firing().length)
                .with("tokens", study.tokens())
                .with("texts", study.texts())
                .withObjects("latents", latents)
                .withTokens("vocabulary", List.copyOf(used.values()));
        if (activations != null) {
            data = data.with(
                            "activations",
                            activations,
                            pages.size(),
                            heading.tokens().size())
                    .with("others", others, others.length)
                    .with("othersMaxima", othersMaxima, othersMaxima.length);
        }
        return new ViewData(NAME, heading, data);
    }

    private DataObject latent(LatentPage page, Map<Integer, ViewToken> used) {
        List<DataObject> examples = new ArrayList<>();
        for (Firing firing : NeuronpediaBatch.distinct(study, page.top())) {
            examples.add(example(page, firing, used));
        }
        return DataObject.empty()
                .with("latent", page.latent())
                .with("share", page.shareFiring())
                .with("maximum", page.maximum())
                .with("mean", page.meanFiring())
                .with("histogram", histogram(page.histogram()))
                .with("logits", histogram(page.foldedLogits().histogram()))
                .with("raised", tokens(page.foldedLogits().raised(), used))
                .with("lowered", tokens(page.foldedLogits().lowered(), used))
                .with("neighbours", items(page.neighbours()))
                .with("together", items(page.coactivation()))
                .with("correlated", items(page.correlatedByPearson()))
                .with("dimensions", items(page.alignment()))
                .withObjects("examples", examples);
    }

    private DataObject example(LatentPage page, Firing firing, Map<Integer, ViewToken> used) {
        int[] rows = study.context(firing.row(), NeuronpediaBatch.CONTEXT_BEFORE, NeuronpediaBatch.CONTEXT_AFTER);
        int[] tokens = Arrays.stream(rows).map(study::token).toArray();
        float[] values = new float[rows.length];
        int at = 0;
        for (int i = 0; i < rows.length; i++) {
            values[i] = study.activation(page.latent(), rows[i]);
            at = rows[i] == firing.row() ? i : at;
        }
        keep(tokens, used);
        return DataObject.empty()
                .with("text", firing.sequence())
                .with("at", at)
                .with("tokens", tokens, tokens.length)
                .with("values", values, values.length);
    }

    private DataObject tokens(RankedItems ranked, Map<Integer, ViewToken> used) {
        keep(ranked.indices(), used);
        return items(ranked);
    }

    private void keep(int[] tokens, Map<Integer, ViewToken> used) {
        for (int token : tokens) {
            used.computeIfAbsent(token, vocabulary::apply);
        }
    }

    private static DataObject items(RankedItems ranked) {
        return DataObject.empty()
                .with("indices", ranked.indices(), ranked.indices().length)
                .with("values", ranked.values(), ranked.values().length);
    }

    private static DataObject histogram(Histogram histogram) {
        return DataObject.empty()
                .with("counts", histogram.counts(), histogram.counts().length)
                .with("edges", histogram.edges(), histogram.edges().length);
    }

    @Override
    public void write(HtmlWriter html) {
        DataTable table = DataTable.of(
                "Latents of " + study.attachment().place(),
                TableColumn.text("latent", "latent"),
                TableColumn.number("share of tokens", "share"),
                TableColumn.number("maximum", "maximum"),
                TableColumn.text("raises", "raises"),
                TableColumn.text("lowers", "lowers"));
        for (LatentPage page : pages) {
            table = table.row(
                    TableCell.of(String.valueOf(page.latent())),
                    TableCell.of(page.shareFiring()),
                    TableCell.of(page.maximum()),
                    TableCell.of(words(page.foldedLogits().raised())),
                    TableCell.of(words(page.foldedLogits().lowered())));
        }
        table.write(html);
    }

    private String words(RankedItems ranked) {
        return String.join(
                ", ",
                Arrays.stream(ranked.indices())
                        .limit(4)
                        .mapToObj(vocabulary)
                        .map(token -> token.text().isEmpty() ? "#" + token.id() : TokenText.quoted(token.text()))
                        .toList());
    }

    @Override
    public String toString() {
        return Printable.plural(pages.size(), "latent");
    }
}
