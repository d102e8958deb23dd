package dev.hyaline.tools.command;

import dev.hyaline.analysis.lens.LensPicture;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TablePicture;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.view.PromptViews;
import dev.hyaline.files.EscapedText;
import dev.hyaline.files.ScreenWidth;
import dev.hyaline.tools.option.AnalysisOptions;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PairOptions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.report.StudyHeading;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.report.TableView;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline lens}: the logit lens. */
@Command(
        name = "lens",
        header = "Decodes the residual stream at every layer as the model decodes it at the end.",
        description = {
            "",
            "The logit lens: the residual stream before and between all layers, passed straight through the final norm"
                + " and the unembedding. Shows the likeliest next token at every layer and position for a prompt, or a"
                + " metric at every layer for pairs."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline lens                                     the logit difference, layer by layer",
            "  hyaline lens --prompt \"The capital of France is\"",
            "  hyaline lens --prompt \"The dog likes\" --out map     a picture, lens-map, with the tokens in its cells",
            "  hyaline lens --task greater-than --metric prob-diff --out lens"
        })
public final class LensCommand implements Runnable, CheckedOptions {
    private static final String NAME = "lens";

    /** The name of the picture of a prompt. */
    private static final String MAP = "lens-map";

    private static final int LINE = 100;
    private static final int LIKELIEST = 5;

    private final Console console;

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description =
                    "A prompt whose likeliest tokens to show, instead of pairs. --out then writes a picture of them"
                            + " alone, as SVG and PNG; --json prints the tokens and their probabilities.")
    private @Nullable String prompt;

    @Mixin
    private TopOption top;

    @Mixin
    private PageOption page;

    @Mixin
    private StudyOptions options;

    public LensCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (prompt != null && top.count() != null) {
            throw new BadInputException("--top is for the table of a metric; leave out --prompt");
        }
        options.tables().requireFree(prompt != null ? MAP : NAME);
    }

    @Override
    public void run() {
        if (prompt != null) {
            AnalysisOptions analysis = options.analysis();
            try (Checkpoint checkpoint = analysis.open(console)) {
                ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
                Optional<TableFolder> folder = options.tables().folder(checkpoint, MAP);
                try (Gpt2 model = analysis.start(analysis.weights(checkpoint), console)) {
                    tokens(checkpoint, model, vocabulary, prompt, folder.orElse(null));
                }
            }
            return;
        }
        try (Study study = options.open(console)) {
            Optional<TableFolder> folder = options.tables().folder(study.checkpoint(), NAME);
            try (Gpt2 model = study.start()) {
                ResultTable table = LogitLens.of(model)
                        .measure(study.pairs(), options.metric())
                        .from(study.origin());
                metric(study, table);
                page.write(console, study.checkpoint(), () -> page(study, model, table), options.json());
                folder.ifPresent(out -> out.write(console, Map.of(NAME, table), options.json()));
            }
        }
    }

    /** The lens on the first prompt, and the metric over all of them. */
    private Page page(Study study, Gpt2 model, ResultTable table) {
        PromptPair first = study.pairs().get(0);
        String text = String.join(
                "",
                IntStream.of(first.clean())
                        .mapToObj(token -> study.vocabulary().text(token))
                        .toList());
        View lens = PromptViews.of(model, study.model(), text, first.clean(), study.vocabulary()::shown, "")
                .withCommand(page.heading("", study.model()).command())
                .lens();
        return Page.of(
                "Logit lens: " + study.origin(),
                lens,
                Section.of(
                        table.quantity() + " by place",
                        "Over all pairs; the view above is of the first clean prompt.",
                        new Figure(
                                table.title(),
                                TablePicture.of(table),
                                "The numbers are in the table.",
                                DataTable.of(table))));
    }

    private void metric(Study study, ResultTable table) {
        if (options.json()) {
            JsonOutput.print(console, out -> {
                out.writeStringProperty("model", study.model());
                out.writeStringProperty("metric", options.metric().name());
                out.writeObjectPropertyStart("table");
                TableText.writeJson(table, out);
                out.writeEndObject();
                top.writeJson(out, table);
            });
            return;
        }
        StudyHeading.print(console, study.model(), study.pairs(), "");
        TableView.print(console, table, top);
    }

    private void tokens(
            Checkpoint checkpoint, Gpt2 model, ModelVocabulary vocabulary, String text, @Nullable TableFolder folder) {
        String name = checkpoint.name();
        LogitLens lens = LogitLens.of(model);
        int[] tokens = PairOptions.encoder(vocabulary, options.pairs().begins()).prompt(text);
        if (tokens.length == 0) {
            throw new BadInputException("--prompt is empty");
        }
        @Nullable
        LensPicture picture = folder == null
                ? null
                : LensPicture.of(
                        lens, "Logit lens of " + name, tokens, token -> EscapedText.plain(vocabulary.text(token)));
        List<List<List<NextToken>>> likeliest = lens.likeliest(tokens, options.json() ? LIKELIEST : 1);
        if (options.json()) {
            json(name, lens, vocabulary, tokens, likeliest);
        } else {
            print(name, lens, vocabulary, tokens, likeliest);
        }
        if (folder != null && picture != null) {
            folder.write(console, MAP, picture, options.json());
        }
        page.write(
                console,
                checkpoint,
                () -> Page.of(
                        "Logit lens: " + name,
                        PromptViews.of(model, name, text, tokens, vocabulary::shown, "")
                                .withCommand(page.heading("", name).command())
                                .lens()),
                options.json());
    }

    private void print(
            String model,
            LogitLens lens,
            ModelVocabulary vocabulary,
            int[] tokens,
            List<List<List<NextToken>>> likeliest) {
        console.out().println(console.bold(model) + "  the likeliest next token, and its probability in per cent");
        console.out().println();
        for (int first = 0; first < tokens.length; ) {
            first = columns(lens, vocabulary, tokens, likeliest, first);
            if (first < tokens.length) {
                console.out().println();
            }
        }
    }

    /** Prints as many positions as fit on a line, and returns the first one that does not. */
    private int columns(
            LogitLens lens,
            ModelVocabulary vocabulary,
            int[] tokens,
            List<List<List<NextToken>>> likeliest,
            int first) {
        List<List<String>> columns = new ArrayList<>();
        List<String> headings = new ArrayList<>(List.of("after"));
        int width = 12;
        int end = first;
        while (end < tokens.length) {
            int position = end;
            List<String> column = likeliest.stream()
                    .map(place -> cell(place.get(position).getFirst(), vocabulary))
                    .toList();
            String heading = vocabulary.quoted(tokens[position]);
            int needed = 2
                    + Math.max(
                            ScreenWidth.of(heading),
                            column.stream().mapToInt(ScreenWidth::of).max().orElse(0));
            if (end > first && width + needed > LINE) {
                break;
            }
            width += needed;
            columns.add(column);
            headings.add(heading);
            end++;
        }
        Table table = new Table(headings.toArray(String[]::new));
        for (int place = 0; place < lens.labels().size(); place++) {
            List<String> row = new ArrayList<>(List.of(lens.labels().get(place)));
            for (List<String> column : columns) {
                row.add(column.get(place));
            }
            table.row(row.toArray());
        }
        table.print(console);
        return end;
    }

    private static String cell(NextToken token, ModelVocabulary vocabulary) {
        return vocabulary.quoted(token.token()) + String.format(Locale.ROOT, " %.0f", 100 * token.probability());
    }

    private void json(
            String model,
            LogitLens lens,
            ModelVocabulary vocabulary,
            int[] tokens,
            List<List<List<NextToken>>> likeliest) {
        JsonOutput.print(console, out -> {
            out.writeStringProperty("model", model);
            JsonOutput.numbers(out, "tokens", tokens);
            out.writeArrayPropertyStart("places");
            for (int place = 0; place < likeliest.size(); place++) {
                out.writeStartObject();
                out.writeStringProperty("place", lens.labels().get(place));
                out.writeArrayPropertyStart("positions");
                for (List<NextToken> position : likeliest.get(place)) {
                    out.writeStartArray();
                    for (NextToken token : position) {
                        out.writeStartObject();
                        out.writeNumberProperty("token", token.token());
                        out.writeStringProperty("text", vocabulary.text(token.token()));
                        out.writeNumberProperty("probability", token.probability());
                        out.writeEndObject();
                    }
                    out.writeEndArray();
                }
                out.writeEndArray();
                out.writeEndObject();
            }
            out.writeEndArray();
        });
    }
}
