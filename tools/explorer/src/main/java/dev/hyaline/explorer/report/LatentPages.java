package dev.hyaline.explorer.report;

import dev.hyaline.analysis.sparse.feature.LatentPage;
import dev.hyaline.analysis.sparse.feature.LatentPage.ActivationInterval;
import dev.hyaline.analysis.sparse.feature.LatentPage.Firing;
import dev.hyaline.analysis.sparse.feature.LatentPage.Histogram;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.feature.NeuronpediaBatch;
import dev.hyaline.analysis.sparse.feature.RankedItems;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.TokenText;
import dev.hyaline.explorer.TokenText.ShadedToken;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.plot.HistogramPlot;
import dev.hyaline.files.PartialFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Writes latents as files: {@code index.html} and a page for each, which open in a browser without a server or a
 * network, and {@code neuronpedia.json}, a batch as Neuronpedia takes it.
 */
public final class LatentPages {
    private static final int RAISED_IN_LIST = 4;

    private final LatentStudy study;
    private final String model;
    private final IntFunction<String> text;
    private final Set<Integer> written = new HashSet<>();

    private LatentPages(LatentStudy study, String model, IntFunction<String> text) {
        this.study = study;
        this.model = model;
        this.text = text;
    }

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
        write(study, model, latents, text, folder, Map.of(), progress);
    }

    /**
     * As {@link #write(LatentStudy, String, int[], IntFunction, Path, IntConsumer)}, with more files in the folder.
     *
     * @param more content by name
     */
    public static void write(
            LatentStudy study,
            String model,
            int[] latents,
            IntFunction<String> text,
            Path folder,
            Map<String, byte[]> more,
            IntConsumer progress) {
        Path target = folder.toAbsolutePath().normalize();
        if (Files.exists(target)) {
            throw new BadInputException(folder + " exists already; choose another folder, or remove it first");
        }
        LatentPages pages = new LatentPages(study, model, text);
        for (int latent : latents) {
            BadInputException.requireIndex("latent", latent, study.latents());
            pages.written.add(latent);
        }
        try (PartialFolder partial = PartialFolder.begin(target)) {
            List<LatentPage> shown = new ArrayList<>();
            for (int latent : latents) {
                LatentPage page = study.page(latent);
                Files.writeString(partial.path().resolve(fileName(latent)), pages.page(page));
                shown.add(page);
                progress.accept(1);
            }
            Files.writeString(partial.path().resolve("index.html"), pages.index(shown));
            Files.write(partial.path().resolve("neuronpedia.json"), NeuronpediaBatch.json(study, model, shown, text));
            partial.write(more);
            partial.commit();
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }

    private static String fileName(int latent) {
        return "latent-" + latent + ".html";
    }

    private String place() {
        return model + ", " + study.attachment().place();
    }

    private String index(List<LatentPage> pages) {
        DataTable table = DataTable.of(
                "Latents",
                TableColumn.text("latent", "latent"),
                TableColumn.number("share of tokens", "share"),
                TableColumn.number("maximum", "maximum"),
                TableColumn.text("strongest at", "context"),
                TableColumn.text("raises", "raises"));
        for (LatentPage page : pages) {
            int[] raised = page.foldedLogits().raised().indices();
            table = table.row(
                    TableCell.link(String.valueOf(page.latent()), fileName(page.latent())),
                    TableCell.of(page.shareFiring()),
                    TableCell.of(page.maximum()),
                    TableCell.of(page.top().isEmpty() ? "" : context(page.top().getFirst())),
                    TableCell.of(String.join(
                            ", ",
                            Arrays.stream(raised)
                                    .limit(RAISED_IN_LIST)
                                    .mapToObj(this::quoted)
                                    .toList())));
        }
        return Page.of(
                        "Latents of " + place(),
                        Prose.of(study.latents() + " latents, of which " + study.firing().length + " fire on "
                                + study.tokens() + " tokens of " + study.texts() + " texts; " + pages.size()
                                + " shown."),
                        table)
                .html();
    }

    private String quoted(int token) {
        String word = text.apply(token);
        return word.isEmpty() ? "#" + token : TokenText.quoted(word);
    }

    private String context(Firing firing) {
        StringBuilder words = new StringBuilder();
        for (int row : study.context(firing.row(), RAISED_IN_LIST, 0)) {
            words.append(TokenText.shown(text.apply(study.token(row))));
        }
        return words.toString();
    }

    private String page(LatentPage page) {
        List<View> views = new ArrayList<>();
        views.add(html ->
                html.open("p").element("a", "All latents", "href", "index.html").close());
        views.add(Prose.of("Fires on " + percent(page.shareFiring()) + " of " + study.tokens()
                + " tokens; largest activation " + number(page.maximum()) + ", mean where it fires "
                + number(page.meanFiring()) + "."));
        views.add(Section.of(
                "Distributions",
                "The effect on a token's logit is what a latent of 1 adds to it if nothing comes between the latent and"
                        + " the final norm: the decoder row, centred and multiplied by the norm's gain, times the"
                        + " token's column of the unembedding. The mean over the vocabulary is subtracted.",
                histogram("Activations that are not zero", page.histogram()),
                histogram("Effect on all logits", page.foldedLogits().histogram())));
        views.add(Section.of(
                "Logits and neighbours",
                "",
                tokens("Logits raised", page.foldedLogits().raised()),
                tokens("Logits lowered", page.foldedLogits().lowered()),
                latents("Decoder neighbours (cosine)", page.neighbours(), true),
                latents("Fire together (Jaccard)", page.coactivation(), true),
                latents("Correlated latents (Pearson)", page.correlatedByPearson(), true),
                latents("Correlated latents (cosine)", page.correlatedByCosine(), true),
                latents("Correlated dimensions (Pearson)", page.correlatedNeurons(), false),
                latents("Dimensions of the decoder row", page.alignment(), false)));
        views.add(new Section(
                "Largest activations",
                "",
                NeuronpediaBatch.distinct(study, page.top()).stream()
                        .map(firing -> example(page, firing))
                        .toList()));
        for (int i = page.intervals().size() - 1; i >= 0; i--) {
            ActivationInterval interval = page.intervals().get(i);
            views.add(new Section(
                    number(interval.minimum()) + " to " + number(interval.maximum()),
                    i > 0
                            ? percent(interval.share()) + " of tokens"
                            : percent(Math.max(0, interval.share() + page.shareFiring() - 1))
                                    + " of tokens, without the " + percent(1 - page.shareFiring()) + " that are at 0",
                    interval.examples().stream()
                            .map(firing -> example(page, firing))
                            .toList()));
        }
        return Page.of("Latent " + page.latent(), views).withSubtitle(place()).html();
    }

    private View example(LatentPage page, Firing firing) {
        int[] rows = study.context(firing.row(), NeuronpediaBatch.CONTEXT_BEFORE, NeuronpediaBatch.CONTEXT_AFTER);
        return new TokenText(IntStream.of(rows)
                .mapToObj(row -> {
                    float activation = study.activation(page.latent(), row);
                    return new ShadedToken(
                            text.apply(study.token(row)),
                            page.maximum() == 0 ? 0 : activation / page.maximum(),
                            number(activation),
                            row == firing.row());
                })
                .toList());
    }

    private static View histogram(String title, Histogram histogram) {
        DataTable table =
                DataTable.of(title, TableColumn.interval("values", "values"), TableColumn.number("count", "count"));
        for (int bin = 0; bin < histogram.counts().length; bin++) {
            table = table.row(
                    TableCell.of(new Interval(histogram.edges()[bin], histogram.edges()[bin + 1])),
                    TableCell.of(histogram.counts()[bin]));
        }
        return new Figure(
                title + ".",
                HistogramPlot.of("value", histogram.counts(), histogram.edges()),
                title + ": histogram of " + IntStream.of(histogram.counts()).sum() + " values from "
                        + number(histogram.edges()[0]) + " to "
                        + number(histogram.edges()[histogram.edges().length - 1]) + ".",
                table);
    }

    private View tokens(String title, RankedItems items) {
        DataTable table =
                DataTable.of(title, TableColumn.text("token", "token"), TableColumn.number("effect", "effect"));
        for (int i = 0; i < items.indices().length; i++) {
            table = table.row(
                    TableCell.of(TokenText.shown(text.apply(items.indices()[i]))), TableCell.of(items.values()[i]));
        }
        return table;
    }

    private View latents(String title, RankedItems items, boolean linked) {
        DataTable table = DataTable.of(
                title,
                TableColumn.text(linked ? "latent" : "dimension", "index"),
                TableColumn.number("value", "value"));
        for (int i = 0; i < items.indices().length; i++) {
            int latent = items.indices()[i];
            String name = String.valueOf(latent);
            table = table.row(
                    linked && written.contains(latent) ? TableCell.link(name, fileName(latent)) : TableCell.of(name),
                    TableCell.of(items.values()[i]));
        }
        return table;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    @Override
    public String toString() {
        return "pages of latents of " + study;
    }
}
