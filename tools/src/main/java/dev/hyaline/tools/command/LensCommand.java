package dev.hyaline.tools.command;

import dev.hyaline.analysis.NextToken;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.MetricOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PairOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.report.TableOutput;
import dev.hyaline.tools.report.TableView;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.ScreenWidth;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline lens}: what the model would say if it stopped early. */
@Command(
        name = "lens",
        header = "Reads the residual stream as the model reads its end.",
        description = {
            "",
            "The logit lens: the residual stream before and between all layers, straight through the final norm and"
                    + " the unembedding. Of a prompt, shows the likeliest next token at every layer and position; of"
                    + " pairs, a metric at every layer."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline lens                                     the logit difference, layer by layer",
            "  hyaline lens --prompt \"The capital of France is\"",
            "  hyaline lens --task greater-than --metric prob-diff --out lens"
        })
public final class LensCommand implements Runnable {
    private static final String NAME = "lens";
    private static final int LINE = 100;
    private static final int LIKELIEST = 5;

    private final Console console;

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description = "A prompt to show the likeliest tokens of, instead of pairs.")
    private String prompt;

    @Mixin
    private PairOptions pairOptions;

    @Mixin
    private MetricOptions metricOptions;

    @Mixin
    private TableOutput output;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private CommonOptions common;

    public LensCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            if (prompt != null) {
                if (output.isAsked()) {
                    throw new BadInputException("--out writes the table of a metric; leave --prompt away");
                }
                try (Gpt2 model = engineOptions.open(checkpoint.weights(), console)) {
                    tokens(checkpoint.name(), LogitLens.of(model), vocabulary);
                }
                return;
            }
            PromptPairs pairs = pairOptions.read(checkpoint.config(), vocabulary);
            Optional<Path> folder = output.folder(List.of(NAME));
            try (Gpt2 model = engineOptions.open(checkpoint.weights(), console)) {
                ResultTable table = LogitLens.of(model).measure(pairs, metricOptions.metric());
                metric(checkpoint.name(), pairs, table);
                folder.ifPresent(path -> TableOutput.write(console, path, Map.of(NAME, table), common.json));
            }
        }
    }

    private void metric(String model, PromptPairs pairs, ResultTable table) {
        if (common.json) {
            JsonOutput.print(console, out -> {
                out.writeStringProperty("model", model);
                out.writeStringProperty("metric", metricOptions.metric().name());
                out.writeObjectPropertyStart("table");
                TableText.writeJson(table, out);
                out.writeEndObject();
            });
            return;
        }
        console.out().println(console.bold(model) + "  " + DisplayText.plural(pairs.size(), "pair"));
        console.out().println(console.dim("such as: " + pairs.get(0).name()));
        console.out().println();
        TableView.print(console, table);
    }

    private void tokens(String model, LogitLens lens, ModelVocabulary vocabulary) {
        int[] tokens = PairOptions.encoder(vocabulary, pairOptions.begins()).prompt(prompt);
        if (tokens.length == 0) {
            throw new BadInputException("--prompt is empty");
        }
        List<List<List<NextToken>>> likeliest = lens.likeliest(tokens, common.json ? LIKELIEST : 1);
        if (common.json) {
            json(model, lens, vocabulary, tokens, likeliest);
            return;
        }
        console.out().println(console.bold(model) + "  the likeliest next token, and its probability in per cent");
        console.out().println();
        for (int first = 0; first < tokens.length; ) {
            first = columns(lens, vocabulary, tokens, likeliest, first);
            if (first < tokens.length) {
                console.out().println();
            }
        }
    }

    /** Prints as many positions as a line takes. */
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
            table.row(row.toArray(String[]::new));
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
