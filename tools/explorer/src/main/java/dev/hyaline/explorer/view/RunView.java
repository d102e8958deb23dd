package dev.hyaline.explorer.view;

import dev.hyaline.explorer.Bullets;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.Facts;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.ShownNumber;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.TokenText;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.json.InterventionJson;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * A run beside the same run under edits: the likeliest next tokens, the difference of two logits, the divergence of the
 * predictions by position, and the attention patterns that changed.
 */
public final class RunView implements DataView {
    private final ViewHeading heading;
    private final String edits;
    private final List<String> lines;
    private final int layers;
    private final int heads;
    private final int position;
    private final List<ViewToken> tokens;
    private final RunComparison.Outcome outcome;

    private RunView(
            ViewHeading heading,
            String edits,
            RunComparison comparison,
            List<ViewToken> tokens,
            RunComparison.Outcome outcome) {
        this.heading = heading;
        this.edits = edits;
        this.lines = comparison.edits().describe();
        this.layers = comparison.config().nLayers();
        this.heads = comparison.config().nHeads();
        this.position = comparison.position();
        this.tokens = List.copyOf(tokens);
        this.outcome = outcome;
    }

    /**
     * Runs a comparison. The edits are shown as JSON too, unless they take values from another run or are Java
     * functions.
     *
     * @param vocabulary the tokens by id
     */
    public static RunView of(ViewHeading heading, RunComparison comparison, IntFunction<ViewToken> vocabulary) {
        boolean written = comparison.edits().list().stream()
                .noneMatch(edit -> edit instanceof Intervention.Custom
                        || edit instanceof Intervention.Patch
                        || edit instanceof Intervention.Mean
                        || edit instanceof Intervention.Resample);
        return of(heading, comparison, vocabulary, written ? InterventionJson.write(comparison.edits()) : "");
    }

    /**
     * Runs a comparison.
     *
     * @param vocabulary the tokens by id
     * @param edits the edits as JSON; empty where they have none
     */
    public static RunView of(
            ViewHeading heading, RunComparison comparison, IntFunction<ViewToken> vocabulary, String edits) {
        RunComparison.Outcome outcome = comparison.outcome();
        List<ViewToken> tokens =
                Arrays.stream(outcome.tokens()).mapToObj(vocabulary).toList();
        return new RunView(heading, edits, comparison, tokens, outcome);
    }

    @Override
    public ViewData data() {
        int shown = tokens.size();
        DataObject data = DataObject.empty()
                .with("layers", layers)
                .with("heads", heads)
                .with("position", position)
                .with("edits", edits)
                .withTexts("lines", lines)
                .withTokens("tokens", tokens)
                .with("baseLogits", outcome.base(), shown)
                .with("editedLogits", outcome.edited(), shown)
                .with("baseLogProbabilities", outcome.baseLogProbabilities(), shown)
                .with("editedLogProbabilities", outcome.editedLogProbabilities(), shown)
                .with("baseTop", outcome.baseTop(), outcome.baseTop().length)
                .with("editedTop", outcome.editedTop(), outcome.editedTop().length)
                .with("compared", outcome.compared(), outcome.compared().length)
                .with("divergence", outcome.divergence())
                .with("workDone", outcome.work().done())
                .with("workFull", outcome.work().full());
        RunComparison.Whole whole = outcome.whole();
        if (whole != null) {
            data = data.with("divergenceByPosition", whole.divergence(), whole.divergence().length);
            double[] base = whole.baseDifference();
            double[] edited = whole.editedDifference();
            if (base != null && edited != null) {
                data = data.with("baseDifference", base, base.length).with("editedDifference", edited, edited.length);
            }
            RunComparison.PatternChange patterns = whole.patterns();
            if (patterns != null) {
                int length = whole.divergence().length;
                data = data.with("changedLayers", patterns.layers(), patterns.layers().length)
                        .with("patternChange", patterns.change(), patterns.layers().length, heads)
                        .with("patternLayer", patterns.layer())
                        .with("patternHead", patterns.head())
                        .with("basePattern", patterns.base(), length, length)
                        .with("editedPattern", patterns.edited(), length, length);
            }
        }
        return new ViewData("run", heading, data);
    }

    @Override
    public void write(HtmlWriter html) {
        new Bullets(lines.isEmpty() ? List.of("No edit") : lines).write(html);
        Facts.of(facts()).write(html);
        table().write(html);
    }

    private Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("Position", String.valueOf(position));
        facts.put("KL divergence", ShownNumber.of(outcome.divergence()) + " nats");
        int[] pair = outcome.compared();
        if (pair.length == 2) {
            facts.put(
                    "Logit difference",
                    name(tokens.get(pair[0])) + " minus " + name(tokens.get(pair[1])) + ": "
                            + ShownNumber.of((double) outcome.base()[pair[0]] - outcome.base()[pair[1]])
                            + ", edited "
                            + ShownNumber.of((double) outcome.edited()[pair[0]] - outcome.edited()[pair[1]]));
        }
        return facts;
    }

    private DataTable table() {
        DataTable table = DataTable.of(
                "The likeliest next tokens",
                TableColumn.text("token", "token"),
                TableColumn.number("probability", "probability"),
                TableColumn.number("edited", "probability_edited"),
                TableColumn.number("logit", "logit"),
                TableColumn.number("edited", "logit_edited"));
        for (int i = 0; i < tokens.size(); i++) {
            table = table.row(
                    TableCell.of(name(tokens.get(i))),
                    TableCell.of(Math.exp(outcome.baseLogProbabilities()[i])),
                    TableCell.of(Math.exp(outcome.editedLogProbabilities()[i])),
                    TableCell.of(outcome.base()[i]),
                    TableCell.of(outcome.edited()[i]));
        }
        return table;
    }

    private static String name(ViewToken token) {
        return token.text().isEmpty() ? "#" + token.id() : '"' + TokenText.shown(token.text()) + '"';
    }

    @Override
    public String toString() {
        return "edited run: " + edits;
    }
}
