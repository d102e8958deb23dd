package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.internal.PointProbe;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.gradient.GradientPass;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/** The passes behind {@link LatentScores}: a batch of pairs at a time, forward and back. */
final class LatentGradientPasses {
    private static final int MAX_BATCH_TOKENS = 512;

    private final List<Attachment> attachments;
    private final PairRuns runs;
    private final LatentScores.Reference reference;
    private final int steps;
    private final GradientPass pass;

    LatentGradientPasses(
            List<Attachment> attachments, PairRuns runs, Metric metric, LatentScores.Reference reference, int steps) {
        this.attachments = List.copyOf(attachments);
        this.runs = runs;
        this.reference = reference;
        this.steps = steps;
        pass = GradientPass.of(
                runs.model(),
                Side.CLEAN.prompts(runs.pairs(), runs.config()),
                MetricObjective.of(runs.model(), runs.pairs(), Side.CLEAN, metric));
    }

    List<LatentScores> run() {
        int pairs = runs.pairs().size();
        List<double[][]> scores = attachments.stream()
                .map(attachment ->
                        new double[pairs][attachment.autoencoder().config().latents() + 1])
                .toList();
        for (int first = 0; first < pairs; ) {
            int end = end(first);
            Reader clean = new Reader();
            Reader gradients = new Reader();
            pass.reading(clean).forward(first, end, LogitSelection.none(), gradients);
            Reader other = new Reader();
            if (reference == LatentScores.Reference.OTHER_PROMPT) {
                List<Sequence> prompts = IntStream.range(first, end)
                        .mapToObj(pair ->
                                Sequence.of(Side.CORRUPTED.tokens(runs.pairs().get(pair))))
                        .toList();
                runs.model()
                        .forward(ForwardRequest.of(prompts)
                                .logits(LogitSelection.none())
                                .probe(other));
            }
            for (int a = 0; a < scores.size(); a++) {
                Parts parts = parts(attachments.get(a), clean, other);
                float[] gradient = gradient(parts, first, end, gradients);
                add(parts, gradient, first, end, scores.get(a));
            }
            first = end;
        }
        return IntStream.range(0, scores.size())
                .mapToObj(a -> new LatentScores(attachments.get(a), scores.get(a)))
                .toList();
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

    /** Holds what the sites of all autoencoders hold in a pass. */
    private final class Reader implements Probe {
        private final Set<HookPoint> points = new HashSet<>();
        private final Map<HookPoint, float[]> values = new HashMap<>();

        Reader() {
            for (Attachment attachment : attachments) {
                points.add(attachment.in());
                points.add(attachment.out());
            }
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
            values.put(point, PointProbe.copy(activation));
        }

        float[] of(Attachment attachment, HookPoint point) {
            return attachment.ofHead(Objects.requireNonNull(values.get(point)));
        }
    }

    private Parts parts(Attachment attachment, Reader clean, Reader other) {
        float[] x = clean.of(attachment, attachment.in());
        float[] y = clean.of(attachment, attachment.out());
        Latents latents = attachment.autoencoder().encode(attachment.encoderInput(x));
        if (reference == LatentScores.Reference.ZERO) {
            // Without latents and without what they miss, the bias and what brings a token back are left.
            float[] end = Splice.of(attachment).apply(x, y).reconstruction().clone();
            takeAway(attachment, latents, end);
            return new Parts(attachment, y, end, latents, Latents.of(new float[0], latents.width()));
        }
        float[] otherX = other.of(attachment, attachment.in());
        Latents otherLatents = attachment.autoencoder().encode(attachment.encoderInput(otherX));
        return new Parts(attachment, y, other.of(attachment, attachment.out()), latents, otherLatents);
    }

    /** Takes from rows of the site what latents add to them. */
    private static void takeAway(Attachment attachment, Latents latents, float[] rows) {
        SparseAutoencoder sae = attachment.autoencoder();
        int d = sae.config().dOut();
        float[] decoder = sae.parameters().decoder();
        boolean rescaled = sae.config().activation().isRescaled();
        for (int t = 0; t < latents.tokens(); t++) {
            double scale = latents.scale().length == 0 ? 1 : latents.scale()[t];
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1]; e++) {
                int i = latents.indices()[e];
                double factor = scale * latents.values()[e] / (rescaled ? sae.decoderNorms()[i] : 1);
                for (int c = 0; c < d; c++) {
                    rows[t * d + c] -= (float) (factor * decoder[i * d + c]);
                }
            }
        }
    }

    /** The mean gradient at the written site over the runs of the way, {@code [tokens, dOut]}. */
    private float[] gradient(Parts parts, int first, int end, Reader atClean) {
        float[] sum = atClean.of(parts.attachment, parts.attachment.out()).clone();
        for (int step = 1; step < steps; step++) {
            Reader reader = new Reader();
            Target target = Target.of(parts.attachment.out());
            if (parts.attachment.head().isPresent()) {
                target = target.heads(parts.attachment.head().get().index());
            }
            Interventions held =
                    Interventions.of(Intervention.patch(target, new Between(parts, first, end, (double) step / steps)));
            pass.edited(held).forward(first, end, LogitSelection.none(), reader);
            float[] gradient = reader.of(parts.attachment, parts.attachment.out());
            for (int i = 0; i < sum.length; i++) {
                sum[i] += gradient[i];
            }
        }
        for (int i = 0; i < sum.length; i++) {
            sum[i] /= steps;
        }
        return sum;
    }

    /** Values of the written site on the way from the clean run to the reference. */
    private final class Between implements ActivationSource {
        private final Parts parts;
        private final int first;
        private final double share;
        private final int[] firstRows;

        Between(Parts parts, int first, int end, double share) {
            this.parts = parts;
            this.first = first;
            this.share = share;
            firstRows = new int[end - first + 1];
            for (int pair = first; pair < end; pair++) {
                firstRows[pair - first + 1] =
                        firstRows[pair - first] + runs.pairs().get(pair).length();
            }
        }

        @Override
        public int sequences() {
            return runs.pairs().size();
        }

        @Override
        public int length(int sequence) {
            return runs.pairs().get(sequence).length();
        }

        @Override
        public boolean holds(HookPoint point, int sequence, int position) {
            return point.equals(parts.attachment.out());
        }

        @Override
        public void read(Slot slot, float[] out) {
            int row = firstRows[slot.sequence() - first] + slot.position();
            boolean inHeads =
                    slot.head() != Slot.NO_HEAD && parts.attachment.head().isEmpty();
            int at = row * parts.width() + (inHeads ? slot.head() * out.length : 0);
            for (int i = 0; i < out.length; i++) {
                double clean = parts.clean[at + i];
                out[i] = (float) (clean + share * (parts.end[at + i] - clean));
            }
        }
    }

    /** Scores of pairs: latents one by one, and as the error term what is left of the whole change. */
    private void add(Parts parts, float[] gradient, int first, int end, double[][] scores) {
        int d = parts.width();
        int error = parts.latents.width();
        int row = 0;
        for (int pair = first; pair < end; pair++) {
            int endRow = row + runs.pairs().get(pair).length();
            double[] ofPair = scores[pair];
            addLatents(parts, parts.latents, 1, gradient, row, endRow, ofPair);
            if (parts.atEnd.tokens() > 0) {
                addLatents(parts, parts.atEnd, -1, gradient, row, endRow, ofPair);
            }
            double whole = 0;
            for (int i = row * d; i < endRow * d; i++) {
                whole += gradient[i] * ((double) parts.clean[i] - parts.end[i]);
            }
            ofPair[error] = whole - Arrays.stream(ofPair, 0, error).sum();
            row = endRow;
        }
    }

    private static void addLatents(
            Parts parts, Latents latents, int sign, float[] gradient, int row, int endRow, double[] scores) {
        SparseAutoencoder sae = parts.attachment.autoencoder();
        for (int t = row; t < endRow; t++) {
            double scale = latents.scale().length == 0 ? 1 : latents.scale()[t];
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1]; e++) {
                int i = latents.indices()[e];
                scores[i] += sign * scale * latents.values()[e] * InnerGradients.slope(sae, gradient, t, i);
            }
        }
    }

    /**
     * The values of a site in the clean run and at the end of the way, and the latents' parts of both.
     *
     * @param clean {@code [tokens, dOut]}
     * @param end {@code [tokens, dOut]}
     * @param atEnd none of no tokens if all are zero there
     */
    private record Parts(Attachment attachment, float[] clean, float[] end, Latents latents, Latents atEnd) {
        int width() {
            return attachment.autoencoder().config().dOut();
        }
    }
}
