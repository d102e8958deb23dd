package dev.hyaline.analysis.sparse.measure;

import dev.hyaline.analysis.sparse.internal.PointProbe;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.analysis.sparse.splice.SpliceProbe;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * An autoencoder measured on a model and texts: its reconstructions, and the model's predictions with these in place of
 * the activations, or with zeros.
 *
 * <p>Tokens that are excluded keep their activation where it is reconstructed and leave the means, though zeros are at
 * all positions; a loss is left out by the token it is predicted from, not by the one that is predicted. Sums run in
 * double precision, weighted by tokens.
 *
 * @param values by SAEBench's names
 * @param densities share of tokens that fired each latent
 * @param consistentActivation firings of each latent over texts with one ({@code consistent_activation_heuristic})
 * @param tokens that counted
 */
public record SaeEvaluation(
        SequencedMap<String, Double> values, float[] densities, float[] consistentActivation, long tokens) {
    private static final int BATCH_TOKENS = 1024;
    /** Logits of a batch that are held at a time. */
    private static final int BATCH_LOGITS = 1 << 25;

    /**
     * Measures an autoencoder.
     *
     * @param excluded tokens that count for nothing
     * @param progress told how many more tokens were measured
     */
    public static SaeEvaluation measure(
            Gpt2 model, Attachment attachment, Prompts prompts, Set<Integer> excluded, IntConsumer progress) {
        return new Measurement(model, attachment, prompts, excluded).run(progress);
    }

    private static final class Measurement {
        private final Gpt2 model;
        private final Attachment attachment;
        private final Prompts prompts;
        private final Set<Integer> excluded;
        private double lossClean;
        private double lossSpliced;
        private double lossAblated;
        private double klSpliced;
        private double klAblated;
        private long losses;
        private long divergences;

        Measurement(Gpt2 model, Attachment attachment, Prompts prompts, Set<Integer> excluded) {
            this.model = model;
            this.attachment = attachment;
            this.prompts = prompts;
            this.excluded = Set.copyOf(excluded);
        }

        SaeEvaluation run(IntConsumer progress) {
            int d = attachment.autoencoder().config().dOut();
            ReconstructionStatistics statistics = ReconstructionStatistics.of(
                    d, attachment.autoencoder().config().latents(), mean(d));
            for (List<Integer> batch : batches()) {
                measure(batch, statistics);
                progress.accept(batch.stream().mapToInt(prompts::length).sum());
            }
            if (statistics.tokens() == 0) {
                throw new BadInputException("no token is left to measure on");
            }
            SequencedMap<String, Double> values = new LinkedHashMap<>(statistics.values());
            if (losses > 0) {
                double clean = lossClean / losses;
                double spliced = lossSpliced / losses;
                double ablated = lossAblated / losses;
                values.put("ce_loss_without_sae", clean);
                values.put("ce_loss_with_sae", spliced);
                values.put("ce_loss_with_ablation", ablated);
                values.put("ce_loss_score", score(ablated - spliced, ablated - clean));
            }
            values.put("kl_div_with_sae", klSpliced / divergences);
            values.put("kl_div_with_ablation", klAblated / divergences);
            values.put("kl_div_score", score(klAblated - klSpliced, klAblated));
            return new SaeEvaluation(
                    values, statistics.densities(), statistics.consistentActivation(), statistics.tokens());
        }

        /** Where ablation changes nothing there is nothing to recover. */
        private static double score(double recovered, double lost) {
            return lost == 0 ? 0 : recovered / lost;
        }

        private List<List<Integer>> batches() {
            int limit = Math.max(
                    1, Math.min(BATCH_TOKENS, BATCH_LOGITS / model.config().dVocab()));
            List<List<Integer>> batches = new ArrayList<>();
            int tokens = limit;
            for (int s = 0; s < prompts.size(); s++) {
                if (tokens + prompts.length(s) > limit) {
                    batches.add(new ArrayList<>());
                    tokens = 0;
                }
                batches.getLast().add(s);
                tokens += prompts.length(s);
            }
            return batches;
        }

        /** The mean of what is to be reconstructed over all tokens that count. */
        private double[] mean(int d) {
            double[] sums = new double[d];
            long[] count = {0};
            for (List<Integer> batch : batches()) {
                Probe probe = PointProbe.reading(attachment.out(), activation -> {
                    float[] y = attachment.ofHead(PointProbe.copy(activation));
                    for (int s = 0; s < batch.size(); s++) {
                        for (int row = activation.firstRow(s); row < activation.firstRow(s + 1); row++) {
                            if (!isExcluded(batch.get(s), activation.position(row))) {
                                count[0]++;
                                for (int c = 0; c < d; c++) {
                                    sums[c] += y[row * d + c];
                                }
                            }
                        }
                    }
                });
                model.forward(request(batch).logits(LogitSelection.none()).probe(probe));
            }
            for (int c = 0; c < d; c++) {
                sums[c] /= Math.max(1, count[0]);
            }
            return sums;
        }

        private boolean isExcluded(int sequence, int position) {
            return !excluded.isEmpty() && excluded.contains(prompts.token(sequence, position));
        }

        private ForwardRequest request(List<Integer> batch) {
            return ForwardRequest.of(
                    batch.stream().map(s -> Sequence.of(prompts.tokens(s))).toList());
        }

        private void measure(List<Integer> batch, ReconstructionStatistics statistics) {
            float[] clean =
                    model.forward(request(batch).logits(LogitSelection.all())).logits();
            float[][] y = new float[1][];
            Probe reader = PointProbe.reading(
                    attachment.out(), activation -> y[0] = attachment.ofHead(PointProbe.copy(activation)));
            SpliceProbe splice = SpliceProbe.of(List.of(Splice.of(attachment)))
                    .excluding((s, position) -> isExcluded(batch.get(s), position))
                    .watched((made, result, rows) -> add(batch, result, y[0], rows, statistics));
            float[] spliced = model.forward(
                            request(batch).logits(LogitSelection.all()).probe(both(reader, splice)))
                    .logits();
            Probe zeros = PointProbe.changing(attachment.out(), this::ablate);
            float[] ablated = model.forward(
                            request(batch).logits(LogitSelection.all()).probe(zeros))
                    .logits();
            predictions(batch, clean, spliced, ablated);
        }

        /** Zeros where the autoencoder writes: of its head alone, where it has one. */
        private void ablate(Activation activation) {
            int first = attachment.firstColumn();
            int width = attachment.head().isPresent()
                    ? attachment.autoencoder().config().dOut()
                    : activation.width();
            for (int row = 0; row < activation.rows(); row++) {
                int at = row * activation.width() + first;
                Arrays.fill(activation.values(), at, at + width, 0);
            }
        }

        private static Probe both(Probe first, Probe second) {
            return new Probe() {
                @Override
                public boolean wants(HookPoint point) {
                    return first.wants(point) || second.wants(point);
                }

                @Override
                public void at(HookPoint point, Activation activation) {
                    if (first.wants(point)) {
                        first.at(point, activation);
                    }
                    if (second.wants(point)) {
                        second.at(point, activation);
                    }
                }
            };
        }

        private void add(
                List<Integer> batch,
                Splice.SpliceResult result,
                float[] y,
                Activation rows,
                ReconstructionStatistics statistics) {
            int width = attachment.autoencoder().config().dOut();
            for (int s = 0; s < batch.size(); s++) {
                int first = rows.firstRow(s);
                int count = rows.firstRow(s + 1) - first;
                boolean[] left = new boolean[count];
                for (int t = 0; t < count; t++) {
                    left[t] = isExcluded(batch.get(s), rows.position(first + t));
                }
                statistics.add(
                        Arrays.copyOfRange(y, first * width, (first + count) * width),
                        Arrays.copyOfRange(result.reconstruction(), first * width, (first + count) * width),
                        LatentRows.of(result.after(), first, first + count),
                        left);
            }
        }

        private void predictions(List<Integer> batch, float[] clean, float[] spliced, float[] ablated) {
            int v = model.config().dVocab();
            int first = 0;
            for (int s : batch) {
                int length = prompts.length(s);
                int from = first;
                double[][] sums = IntStream.range(0, length)
                        .parallel()
                        .filter(p -> !isExcluded(s, p))
                        .mapToObj(p -> {
                            int next = p + 1 < length ? prompts.token(s, p + 1) : -1;
                            return token((from + p) * v, v, next, clean, spliced, ablated);
                        })
                        .toArray(double[][]::new);
                for (double[] sum : sums) {
                    klSpliced += sum[3];
                    klAblated += sum[4];
                    divergences++;
                    if (sum[5] == 1) {
                        lossClean += sum[0];
                        lossSpliced += sum[1];
                        lossAblated += sum[2];
                        losses++;
                    }
                }
                first += length;
            }
        }

        /** Losses of the three, divergences of two, and whether there is a next token. */
        private static double[] token(int at, int v, int next, float[] clean, float[] spliced, float[] ablated) {
            double a = logSum(clean, at, v);
            double b = logSum(spliced, at, v);
            double c = logSum(ablated, at, v);
            double toSpliced = 0;
            double toAblated = 0;
            for (int i = at; i < at + v; i++) {
                double log = clean[i] - a;
                double p = Math.exp(log);
                if (p > 0) {
                    toSpliced += p * (log - (spliced[i] - b));
                    toAblated += p * (log - (ablated[i] - c));
                }
            }
            if (next < 0) {
                return new double[] {0, 0, 0, toSpliced, toAblated, 0};
            }
            return new double[] {
                a - clean[at + next], b - spliced[at + next], c - ablated[at + next], toSpliced, toAblated, 1
            };
        }

        private static double logSum(float[] values, int at, int n) {
            double max = Double.NEGATIVE_INFINITY;
            for (int i = at; i < at + n; i++) {
                max = Math.max(max, values[i]);
            }
            double sum = 0;
            for (int i = at; i < at + n; i++) {
                sum += Math.exp(values[i] - max);
            }
            return max + Math.log(sum);
        }
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
