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
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
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
            Recording recording = record(pair.clean());
            Logits[] logits = IntStream.range(0, labels.size())
                    .mapToObj(place -> new Logits(positions, tokens, recording.logits(place, selection)))
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
        NextToken[][][] found = new NextToken[labels.size()][prompt.length][];
        record(prompt)
                .read(
                        0,
                        prompt.length,
                        (place, position, logits) -> found[place][position] =
                                NextToken.likeliest(logits, k).toArray(NextToken[]::new));
        return Arrays.stream(found)
                .map(place -> Arrays.stream(place).map(best -> List.of(best)).toList())
                .toList();
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

    /** Runs a prompt and keeps its residual stream at every place. */
    public Recording record(int[] prompt) {
        Recording recording = recording(prompt);
        model.forward(
                ForwardRequest.of(prompt).to(Boundary.last(model.config())).probe(recording));
        return recording;
    }

    /** A recording that takes its residual stream from a pass over the prompt alone, as the pass's probe. */
    public Recording recording(int[] prompt) {
        return new Recording(prompt);
    }

    /** The residual stream of a prompt at every place, of which logits are formed as often as they are asked for. */
    public final class Recording implements Probe {
        private final int[] prompt;
        private final float[][] streams = new float[points.size()][];

        private Recording(int[] prompt) {
            this.prompt = prompt.clone();
        }

        @Override
        public boolean wants(HookPoint point) {
            return points.contains(point);
        }

        @Override
        public boolean changes(HookPoint point) {
            return false;
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            int from = activation.offset(0);
            streams[points.indexOf(point)] = Arrays.copyOfRange(activation.values(), from, from + activation.size(0));
        }

        /**
         * Reads all logits of some positions, at every place.
         *
         * @param first the first position
         * @param end the position after the last
         * @throws BadInputException if the prompt has no such positions
         */
        public void read(int first, int end, LogitReader reader) {
            BadInputException.requireIndex("position", first, prompt.length);
            BadInputException.requireIndex("position", end - 1, prompt.length);
            int dVocab = model.config().dVocab();
            for (int place = 0; place < labels.size(); place++) {
                int at = place;
                for (int from = first; from < end; from += READ_AT_ONCE) {
                    int start = from;
                    int[] rows = IntStream.range(start, Math.min(start + READ_AT_ONCE, end))
                            .toArray();
                    float[] logits = logits(place, LogitSelection.rows(rows));
                    IntStream.range(0, rows.length)
                            .parallel()
                            .forEach(row -> reader.logits(
                                    at, start + row, Arrays.copyOfRange(logits, row * dVocab, (row + 1) * dVocab)));
                }
            }
        }

        /**
         * The logits at one place and position, {@code [dVocab]}.
         *
         * @param place index in {@link #labels}
         * @throws BadInputException if there is no such place or position
         */
        public float[] logits(int place, int position) {
            BadInputException.requireIndex("place", place, labels.size());
            BadInputException.requireIndex("position", position, prompt.length);
            return logits(place, LogitSelection.rows(position));
        }

        private float[] logits(int place, LogitSelection selection) {
            if (streams[place] == null) {
                throw new BadInputException("no pass was recorded");
            }
            return model.forward(ForwardRequest.of(prompt)
                            .from(Boundary.last(model.config()), streams[place])
                            .logits(selection))
                    .logits();
        }

        @Override
        public String toString() {
            return "recorded stream of " + Printable.plural(prompt.length, "token");
        }
    }

    @Override
    public String toString() {
        return "logit lens of " + Printable.listed(labels);
    }
}
