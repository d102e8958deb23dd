package dev.hyaline.analysis.lens;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The logit lens (nostalgebraist 2020): what the model would say if it stopped at a place in the residual stream, which
 * goes straight through the final LayerNorm, with its own mean and scale, and the unembedding. The last place gives the
 * model's own logits, bit for bit.
 */
public final class LogitLens {
    /** Positions whose logits are in memory together. */
    private static final int READ_AT_ONCE = 64;

    private final Gpt2 model;
    private final List<String> labels = new ArrayList<>();
    private final List<HookPoint> points = new ArrayList<>();

    private LogitLens(Gpt2 model) {
        this.model = model;
        int layers = model.config().nLayers();
        for (int layer = 0; layer < layers; layer++) {
            labels.add(layer + "_pre");
            points.add(HookPoint.of(Site.RESID_PRE, layer));
            labels.add(layer + "_mid");
            points.add(HookPoint.of(Site.RESID_MID, layer));
        }
        labels.add("final_post");
        points.add(HookPoint.of(Site.RESID_POST, layers - 1));
    }

    public static LogitLens of(Gpt2 model) {
        return new LogitLens(model);
    }

    /**
     * Places in the residual stream, TransformerLens's labels: {@code 0_pre}, {@code 0_mid} and so on to
     * {@code final_post}.
     */
    public List<String> labels() {
        return List.copyOf(labels);
    }

    /** A metric of the clean prompts at every place: {@code [residual stream]}. */
    public ResultTable measure(PromptPairs pairs, Metric metric) {
        double[] values = new double[labels.size() * pairs.size()];
        for (int p = 0; p < pairs.size(); p++) {
            PromptPair pair = pairs.get(p);
            int[] positions = metric.positions(pair);
            int[] tokens = metric.tokens(pair).orElse(new int[0]);
            LogitSelection rows = LogitSelection.rows(positions);
            LogitSelection selection = metric.tokens(pair).map(rows::columns).orElse(rows);
            ActivationCache cache = cache(pair.clean());
            Logits[] logits = IntStream.range(0, labels.size())
                    .mapToObj(place -> new Logits(positions, tokens, read(cache, place, pair.clean(), selection)))
                    .toArray(Logits[]::new);
            for (int place = 0; place < logits.length; place++) {
                Reading reading = new Reading(pair, pair.clean(), logits[place], logits[logits.length - 1]);
                values[place * pairs.size() + p] = metric.measure(reading);
            }
        }
        ResultTable plain = ResultTable.of(
                "Logit lens",
                metric.quantity(),
                metric.unit(),
                List.of(new Axis("residual stream", labels)),
                pairs.names(),
                values);
        ResultTable table = plain.ofSamples("pairs");
        return pairs.units().map(table::ofUnits).orElse(table);
    }

    /**
     * The likeliest next tokens at every place and position of a prompt: {@code [places][positions]}, each likeliest
     * first.
     *
     * @param k how many
     */
    public List<List<List<NextToken>>> likeliest(int[] prompt, int k) {
        ActivationCache cache = cache(prompt);
        int dVocab = model.config().dVocab();
        List<List<List<NextToken>>> places = new ArrayList<>();
        for (int place = 0; place < labels.size(); place++) {
            float[] logits = read(cache, place, prompt, LogitSelection.all());
            places.add(IntStream.range(0, prompt.length)
                    .mapToObj(p -> NextToken.likeliest(Arrays.copyOfRange(logits, p * dVocab, (p + 1) * dVocab), k))
                    .toList());
        }
        return List.copyOf(places);
    }

    /** Takes the logits of a position at a place. */
    @FunctionalInterface
    public interface LogitReader {
        /**
         * Takes them; positions of one place may come at once from several threads.
         *
         * @param place index in {@link #labels}
         * @param logits {@code [dVocab]}; the reader's own
         */
        void logits(int place, int position, float[] logits);
    }

    /** Reads all logits of a prompt, at every place and position. */
    public void read(int[] prompt, LogitReader reader) {
        ActivationCache cache = cache(prompt);
        int dVocab = model.config().dVocab();
        for (int place = 0; place < labels.size(); place++) {
            int at = place;
            for (int first = 0; first < prompt.length; first += READ_AT_ONCE) {
                int from = first;
                int[] rows = IntStream.range(from, Math.min(from + READ_AT_ONCE, prompt.length))
                        .toArray();
                float[] logits = read(cache, place, prompt, LogitSelection.rows(rows));
                IntStream.range(0, rows.length)
                        .parallel()
                        .forEach(row -> reader.logits(
                                at, from + row, Arrays.copyOfRange(logits, row * dVocab, (row + 1) * dVocab)));
            }
        }
    }

    /**
     * The logits of a prompt at one place and position, {@code [dVocab]}.
     *
     * @param place index in {@link #labels}
     * @throws BadInputException if there is no such place or position
     */
    public float[] logits(int[] prompt, int place, int position) {
        BadInputException.requireIndex("place", place, labels.size());
        BadInputException.requireIndex("position", position, prompt.length);
        return read(cache(prompt), place, prompt, LogitSelection.rows(position));
    }

    private ActivationCache cache(int[] prompt) {
        Capture capture = Capture.of(points);
        return ActivationCache.record(model, Prompts.of(model.config(), prompt), capture);
    }

    private float[] read(ActivationCache cache, int place, int[] prompt, LogitSelection selection) {
        Boundary end = Boundary.last(model.config());
        return model.forward(ForwardRequest.of(prompt)
                        .from(end, cache.values(points.get(place), 0))
                        .logits(selection))
                .logits();
    }

    @Override
    public String toString() {
        return "logit lens of " + Printable.listed(labels);
    }
}
