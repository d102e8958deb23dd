package dev.hyaline.explorer.view;

import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.TokenText;
import dev.hyaline.explorer.TokenText.ShadedToken;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** A prompt's continuation, with the probability of each of its tokens and what else was likely in its place. */
public final class GenerationView implements DataView {
    /** The name of the view. */
    public static final String NAME = "generation";

    private final ViewHeading heading;
    private final List<Step> steps;
    private final List<String> edits;
    private final double[] base;
    private final IntFunction<ViewToken> vocabulary;

    /** A token that was generated, by the logits in whose place it was. */
    private record Step(int token, double logProbability, int rank, List<NextToken> likeliest) {}

    private GenerationView(
            ViewHeading heading,
            List<Step> steps,
            List<String> edits,
            double[] base,
            IntFunction<ViewToken> vocabulary) {
        this.heading = heading;
        this.steps = List.copyOf(steps);
        this.edits = List.copyOf(edits);
        this.base = base;
        this.vocabulary = vocabulary;
    }

    /**
     * A view of a continuation.
     *
     * @param heading with the prompt's tokens
     * @param generated the tokens after it
     * @param logits of the model before each of them, {@code [generated, dVocab]}
     * @param k how many of the likeliest tokens to keep in the place of each
     * @throws BadShapeException if there are logits for more or fewer tokens
     */
    public static GenerationView of(
            ViewHeading heading, int[] generated, float[] logits, int k, IntFunction<ViewToken> vocabulary) {
        int dVocab = dVocab(generated, logits);
        List<Step> steps = new ArrayList<>();
        for (int step = 0; step < generated.length; step++) {
            float[] row = Arrays.copyOfRange(logits, step * dVocab, (step + 1) * dVocab);
            BadInputException.requireIndex("token", generated[step], dVocab);
            double[] logProbabilities = NextToken.logProbabilities(row);
            List<NextToken> likeliest = NextToken.likeliest(row, logProbabilities, Math.min(k, dVocab));
            steps.add(new Step(
                    generated[step], logProbabilities[generated[step]], Rank.of(generated[step], row), likeliest));
        }
        return new GenerationView(heading, steps, List.of(), new double[0], vocabulary);
    }

    private static int dVocab(int[] generated, float[] logits) {
        if (generated.length == 0 ? logits.length != 0 : logits.length % generated.length != 0) {
            throw new BadShapeException(
                    "logits of a continuation",
                    "a row for each of " + generated.length + " tokens",
                    logits.length + " values");
        }
        return generated.length == 0 ? 0 : logits.length / generated.length;
    }

    /**
     * The same view of a continuation that was made under edits.
     *
     * @param described each edit in words
     * @param unedited the logits of the model without them at the same places, {@code [generated, dVocab]}
     */
    public GenerationView withEdits(List<String> described, float[] unedited) {
        int[] generated = steps.stream().mapToInt(Step::token).toArray();
        int dVocab = dVocab(generated, unedited);
        double[] without = new double[generated.length];
        for (int step = 0; step < without.length; step++) {
            float[] row = Arrays.copyOfRange(unedited, step * dVocab, (step + 1) * dVocab);
            without[step] = NextToken.logProbabilities(row)[generated[step]];
        }
        return new GenerationView(heading, steps, described, without, vocabulary);
    }

    @Override
    public ViewData data() {
        Set<Integer> named = new TreeSet<>();
        steps.forEach(step -> {
            named.add(step.token);
            step.likeliest.forEach(next -> named.add(next.token()));
        });
        int k = steps.isEmpty() ? 0 : steps.getFirst().likeliest.size();
        List<NextToken> likeliest =
                steps.stream().flatMap(step -> step.likeliest.stream()).toList();
        DataObject data = DataObject.empty()
                .withTokens("vocabulary", named.stream().map(vocabulary::apply).toList())
                .with("generated", steps.stream().mapToInt(Step::token).toArray(), steps.size())
                .with(
                        "chosenLogProbabilities",
                        steps.stream().mapToDouble(Step::logProbability).toArray(),
                        steps.size())
                .with("ranks", steps.stream().mapToInt(Step::rank).toArray(), steps.size())
                .with("likeliest", likeliest.stream().mapToInt(NextToken::token).toArray(), steps.size(), k)
                .with(
                        "logProbabilities",
                        likeliest.stream()
                                .mapToDouble(NextToken::logProbability)
                                .toArray(),
                        steps.size(),
                        k)
                .withTexts("edits", edits);
        if (base.length > 0) {
            data = data.with("withoutEdits", base, base.length);
        }
        return new ViewData(NAME, heading, data);
    }

    @Override
    public void write(HtmlWriter html) {
        List<ShadedToken> line = new ArrayList<>();
        heading.tokens().forEach(token -> line.add(new ShadedToken(StaticText.of(token), 0, "prompt", false)));
        DataTable table = DataTable.of(
                "Generated tokens",
                TableColumn.number("position", "position"),
                TableColumn.text("token", "token"),
                TableColumn.number("probability", "probability"),
                TableColumn.number("rank", "rank"));
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            double probability = Math.exp(step.logProbability);
            String text = StaticText.of(vocabulary.apply(step.token));
            line.add(new ShadedToken(text, probability, String.valueOf(probability), false));
            table = table.row(
                    TableCell.of(heading.tokens().size() + i),
                    TableCell.of(text),
                    TableCell.of(probability),
                    TableCell.of(step.rank));
        }
        new TokenText(line).write(html);
        IntStream.range(0, edits.size()).forEach(i -> html.element("p", "Edit: " + edits.get(i)));
        table.write(html);
    }

    @Override
    public String toString() {
        return "generation of " + Printable.plural(steps.size(), "token");
    }
}
