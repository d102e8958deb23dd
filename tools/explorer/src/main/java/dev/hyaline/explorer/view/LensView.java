package dev.hyaline.explorer.view;

import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.files.Printable;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What the model would say if it stopped at a place in the residual stream: the likeliest tokens at every place and
 * position, the entropy, and the rank of some tokens.
 */
public final class LensView implements DataView {
    /** The name of the view. */
    public static final String NAME = "lens";

    private static final int TRACKED = 5;

    private final ViewHeading heading;
    private final List<String> places;
    private final int first;
    private final int positions;
    private final int k;
    private final int[] likeliest;
    private final double[] logProbabilities;
    private final double[] entropies;
    private final int[] tracked;
    private final int[] ranks;
    private final double[] trackedLogProbabilities;
    private final IntFunction<ViewToken> vocabulary;

    private LensView(
            ViewHeading heading,
            List<String> places,
            int first,
            int positions,
            int k,
            int[] tracked,
            IntFunction<ViewToken> vocabulary) {
        this.heading = heading;
        this.places = places;
        this.first = first;
        this.positions = positions;
        this.k = k;
        this.tracked = tracked;
        this.vocabulary = vocabulary;
        int cells = Math.multiplyExact(places.size(), positions);
        likeliest = new int[Math.multiplyExact(cells, k)];
        logProbabilities = new double[likeliest.length];
        entropies = new double[cells];
        // The token that follows in the prompt, and then those that are tracked.
        ranks = new int[Math.multiplyExact(cells, 1 + tracked.length)];
        trackedLogProbabilities = new double[ranks.length];
    }

    /**
     * Reads a prompt through the lens. The tokens whose rank is followed are the one that comes next in the prompt and
     * those that the model finds likeliest after its end.
     *
     * @param heading with the prompt's tokens
     * @param k how many of the likeliest tokens to keep at each place and position
     * @throws BadInputException if {@code k} is below 1 or above the size of the vocabulary, or there is no token
     */
    public static LensView of(
            ViewHeading heading, LogitLens lens, int[] tokens, int k, IntFunction<ViewToken> vocabulary) {
        return of(heading, lens, lens.record(tokens), tokens, 0, tokens.length, k, vocabulary);
    }

    /** The same of positions from {@code first} to before {@code end}, from a recording of the prompt. */
    static LensView of(
            ViewHeading heading,
            LogitLens lens,
            LogitLens.Recording recording,
            int[] tokens,
            int first,
            int end,
            int k,
            IntFunction<ViewToken> vocabulary) {
        List<String> places = lens.labels();
        int last = tokens.length - 1;
        int[] answers =
                NextToken.likeliest(recording.logits(places.size() - 1, last), Math.max(1, Math.min(k, TRACKED)))
                        .stream()
                        .mapToInt(NextToken::token)
                        .toArray();
        LensView view = new LensView(heading, places, first, end - first, k, answers, vocabulary);
        recording.read(
                first,
                end,
                (place, position, logits) -> view.put(
                        place * view.positions + position - first,
                        logits,
                        position < last ? tokens[position + 1] : answers[0]));
        return view;
    }

    private void put(int cell, float[] logits, int next) {
        double[] all = NextToken.logProbabilities(logits);
        List<NextToken> best = NextToken.likeliest(logits, all, k);
        for (int i = 0; i < k; i++) {
            likeliest[cell * k + i] = best.get(i).token();
            logProbabilities[cell * k + i] = best.get(i).logProbability();
        }
        double entropy = 0;
        for (double logProbability : all) {
            entropy -= Math.exp(logProbability) * logProbability;
        }
        entropies[cell] = entropy;
        for (int i = 0; i <= tracked.length; i++) {
            int token = i == 0 ? next : tracked[i - 1];
            ranks[cell * (1 + tracked.length) + i] = Rank.of(token, logits);
            trackedLogProbabilities[cell * (1 + tracked.length) + i] = all[token];
        }
    }

    @Override
    public ViewData data() {
        Set<Integer> named = new TreeSet<>();
        IntStream.of(likeliest).forEach(named::add);
        IntStream.of(tracked).forEach(named::add);
        DataObject data = DataObject.empty()
                .withTexts("places", places)
                .with("first", first)
                .withTokens("vocabulary", named.stream().map(vocabulary::apply).toList())
                .with("likeliest", likeliest, places.size(), positions, k)
                .with("logProbabilities", logProbabilities, places.size(), positions, k)
                .with("entropies", entropies, places.size(), positions)
                .with("tracked", tracked, tracked.length)
                .with("ranks", ranks, places.size(), positions, 1 + tracked.length)
                .with("trackedLogProbabilities", trackedLogProbabilities, places.size(), positions, 1 + tracked.length);
        return new ViewData(NAME, heading, data);
    }

    @Override
    public void write(HtmlWriter html) {
        html.element("p", "After the last token.", "class", "lead");
        DataTable table = DataTable.of(
                "Logit lens after the last token",
                TableColumn.text("place", "place"),
                TableColumn.text("likeliest tokens", "likeliest"),
                TableColumn.number("probability of the first", "probability"),
                TableColumn.number("entropy (nats)", "entropy"));
        for (int place = 0; place < places.size(); place++) {
            int cell = place * positions + positions - 1;
            Set<String> words = new LinkedHashSet<>();
            Arrays.stream(likeliest, cell * k, (cell + 1) * k)
                    .limit(TRACKED)
                    .forEach(token -> words.add(StaticText.of(vocabulary.apply(token))));
            table = table.row(
                    TableCell.of(places.get(place)),
                    TableCell.of(String.join(", ", words)),
                    TableCell.of(Math.exp(logProbabilities[cell * k])),
                    TableCell.of(entropies[cell]));
        }
        table.write(html);
    }

    @Override
    public String toString() {
        return "logit lens of " + Printable.listed(places);
    }
}
