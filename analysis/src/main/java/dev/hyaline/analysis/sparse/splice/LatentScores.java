package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.gradient.GradientPass;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Latents as nodes of a circuit: linear estimates of what each does to a metric, the change of its activation times the
 * metric's gradient with respect to it, summed over positions (Marks et al. 2024, "Sparse feature circuits"). The error
 * term is constant, so that the gradient with respect to latent {@code i} is that of the written site times its decoder
 * row. Estimates are in units of the metric: positive where the latent raises it.
 */
public final class LatentScores {
    /** The activation that a latent's is compared with. */
    public enum Reference {
        /** Zero: gradient times activation, which estimates what ablating the latent takes away. */
        ZERO,
        /** Its activation in the other prompt of the pair, position by position: attribution patching. */
        OTHER_PROMPT
    }

    private static final int MAX_BATCH_TOKENS = 512;

    private final double[][] scores;

    private LatentScores(double[][] scores) {
        this.scores = scores;
    }

    /**
     * Scores all latents in one forward and backward pass of each pair's clean prompt.
     *
     * @throws BadInputException if the metric has no gradient
     */
    public static LatentScores of(Attachment attachment, PairRuns runs, Metric metric, Reference reference) {
        return new LatentScores(new Passes(attachment, runs, metric, reference).run());
    }

    /** Number of pairs. */
    public int pairs() {
        return scores.length;
    }

    /** Scores of a pair, {@code [latents]}; a copy. */
    public double[] ofPair(int pair) {
        BadInputException.requireIndex("pair", pair, scores.length);
        return scores[pair].clone();
    }

    /** Means over pairs, {@code [latents]}. */
    public double[] means() {
        double[] means = new double[scores[0].length];
        for (double[] ofPair : scores) {
            for (int i = 0; i < means.length; i++) {
                means[i] += ofPair[i] / scores.length;
            }
        }
        return means;
    }

    /** Latents whose mean is not zero, the largest in absolute value first, then by number. */
    public int[] ranked() {
        double[] means = means();
        return IntStream.range(0, means.length)
                .filter(i -> means[i] != 0)
                .boxed()
                .sorted((a, b) -> Double.compare(Math.abs(means[b]), Math.abs(means[a])))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static final class Passes {
        private final Attachment attachment;
        private final SparseAutoencoder sae;
        private final PairRuns runs;
        private final Reference reference;
        private final GradientPass pass;
        private final Map<HookPoint, float[]> values = new HashMap<>();
        private float[] gradient = {};

        Passes(Attachment attachment, PairRuns runs, Metric metric, Reference reference) {
            this.attachment = attachment;
            this.runs = runs;
            this.reference = reference;
            sae = attachment.autoencoder();
            pass = GradientPass.of(
                            runs.model(),
                            Side.CLEAN.prompts(runs.pairs(), runs.config()),
                            MetricObjective.of(runs.model(), runs.pairs(), Side.CLEAN, metric))
                    .reading(holding(attachment.in()));
        }

        private Probe holding(HookPoint point) {
            return at(point, activation -> values.put(point, copy(activation)));
        }

        private static float[] copy(Activation activation) {
            return Arrays.copyOf(activation.values(), activation.rows() * activation.width());
        }

        private static Probe at(HookPoint wanted, java.util.function.Consumer<Activation> reader) {
            return new Probe() {
                @Override
                public boolean wants(HookPoint point) {
                    return point.equals(wanted);
                }

                @Override
                public void at(HookPoint point, Activation activation) {
                    reader.accept(activation);
                }
            };
        }

        double[][] run() {
            int pairs = runs.pairs().size();
            double[][] scores = new double[pairs][sae.config().latents()];
            for (int first = 0; first < pairs; ) {
                int end = end(first);
                pass.forward(
                        first,
                        end,
                        LogitSelection.none(),
                        at(attachment.out(), activation -> gradient = copy(activation)));
                Latents clean = latents();
                add(clean, 1, first, scores);
                if (reference == Reference.OTHER_PROMPT) {
                    List<Sequence> others = IntStream.range(first, end)
                            .mapToObj(pair -> Sequence.of(
                                    Side.CORRUPTED.tokens(runs.pairs().get(pair))))
                            .toList();
                    runs.model()
                            .forward(ForwardRequest.of(others)
                                    .logits(LogitSelection.none())
                                    .probe(holding(attachment.in())));
                    add(latents(), -1, first, scores);
                }
                first = end;
            }
            return scores;
        }

        private int end(int first) {
            int end = first;
            int tokens = 0;
            do {
                tokens += runs.pairs().get(end).length();
                end++;
            } while (end < runs.pairs().size() && tokens + runs.pairs().get(end).length() <= MAX_BATCH_TOKENS);
            return end;
        }

        private Latents latents() {
            float[] x = Objects.requireNonNull(values.get(attachment.in()));
            return sae.encode(attachment.encoderInput(x));
        }

        private void add(Latents latents, int sign, int first, double[][] scores) {
            int pair = first;
            int endRow = runs.pairs().get(pair).length();
            for (int t = 0; t < latents.tokens(); t++) {
                while (t == endRow) {
                    pair++;
                    endRow += runs.pairs().get(pair).length();
                }
                double scale = latents.scale().length == 0 ? 1 : latents.scale()[t];
                for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1]; e++) {
                    int i = latents.indices()[e];
                    scores[pair][i] += sign * scale * latents.values()[e] * InnerGradients.slope(sae, gradient, t, i);
                }
            }
        }
    }
}
