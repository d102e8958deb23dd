package dev.hyaline.analysis.lens;

import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.ResidualStack;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.instrument.weights.ModelWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** What a site holds at some positions, split into what an autoencoder's latents write. */
final class FeatureParts {
    /**
     * A row of the site.
     *
     * @param latents what is written for each that is active, in the order of their numbers
     * @param error what the site holds beyond the reconstruction
     * @param bias the reconstruction without latents: the decoder's bias, and what a skip connection writes
     * @param whole what the site holds
     */
    private record Row(TreeMap<Integer, float[]> latents, float[] error, float[] bias, float[] whole) {}

    /** Where a row is. */
    private record At(PromptPair pair, int position) {}

    private final Attachment attachment;
    private final Map<At, Row> rows;
    private final TreeSet<Integer> active = new TreeSet<>();
    private final List<Matrix> heads;
    private final int dModel;

    private FeatureParts(Attachment attachment, Map<At, Row> rows, List<Matrix> heads, int dModel) {
        this.attachment = attachment;
        this.rows = rows;
        this.heads = heads;
        this.dModel = dModel;
        rows.values().forEach(row -> active.addAll(row.latents.keySet()));
    }

    static FeatureParts encode(Gpt2 model, PositionAxis positions, Attachment attachment) {
        HookPoint out = attachment.out();
        List<Matrix> heads = switch (out.site()) {
            case EMBED, POS_EMBED, RESID_PRE, RESID_MID, RESID_POST, ATTN_OUT, MLP_OUT -> List.of();
            case Z -> {
                ModelWeights weights = ModelWeights.of(model.weights());
                yield IntStream.range(0, model.config().nHeads())
                        .filter(head -> attachment
                                .head()
                                .map(one -> one.index() == head)
                                .orElse(true))
                        .mapToObj(head -> weights.wO(out.layer(), head))
                        .toList();
            }
            default ->
                throw new BadInputException("features are attributed where an autoencoder writes to the residual"
                        + " stream, to what is added to it, or to z; found " + attachment.place());
        };
        Map<At, Row> rows = new HashMap<>();
        List<HookPoint> points = attachment.in().equals(out) ? List.of(out) : List.of(attachment.in(), out);
        PromptPairs pairs = positions.pairs();
        for (int step = 0; step < positions.size(); step++) {
            for (int p = 0; p < pairs.size(); p++) {
                int position = positions.at(step, p);
                ActivationCache cache = ActivationCache.record(
                        model,
                        Prompts.of(model.config(), pairs.get(p).clean()),
                        Capture.of(points).positions(IndexSelection.of(position)));
                rows.put(
                        new At(pairs.get(p), position),
                        row(
                                attachment,
                                attachment.ofHead(cache.values(attachment.in(), 0)),
                                attachment.ofHead(cache.values(out, 0))));
            }
        }
        return new FeatureParts(attachment, rows, heads, model.config().dModel());
    }

    private static Row row(Attachment attachment, float[] x, float[] y) {
        SparseAutoencoder autoencoder = attachment.autoencoder();
        Splice.SpliceResult result = Splice.of(attachment).apply(x, y);
        Latents latents = result.before();
        float scale = latents.scale().length == 0 ? 1 : latents.scale()[0];
        TreeMap<Integer, float[]> written = new TreeMap<>();
        float[] bias = result.reconstruction().clone();
        for (int e = 0; e < latents.count(); e++) {
            int latent = latents.indices()[e];
            float factor = latents.values()[e];
            if (autoencoder.config().activation().isRescaled()) {
                factor /= autoencoder.decoderNorms()[latent];
            }
            float[] direction = autoencoder.decoderRow(latent).clone();
            for (int i = 0; i < direction.length; i++) {
                direction[i] *= factor * scale;
                bias[i] -= direction[i];
            }
            written.put(latent, direction);
        }
        float[] error = y.clone();
        for (int i = 0; i < error.length; i++) {
            error[i] -= result.reconstruction()[i];
        }
        return new Row(written, error, bias, y);
    }

    /** The names of the parts: the latents that are active in any pair, the error and the bias. */
    List<String> labels() {
        List<String> labels = new ArrayList<>();
        active.forEach(latent -> labels.add(String.valueOf(latent)));
        labels.add(DirectLogitAttribution.ERROR);
        labels.add(DirectLogitAttribution.BIAS);
        return labels;
    }

    private Row row(ActivationCache cache, PromptPair pair) {
        return Objects.requireNonNull(rows.get(new At(pair, cache.rows().position(0))));
    }

    /** What the parts of a pair write to the residual stream, and last the whole. */
    ResidualStack stack(ActivationCache cache, PromptPair pair) {
        Row row = row(cache, pair);
        List<ResidualStack.Component> components = new ArrayList<>();
        row.latents.forEach((latent, written) -> components.add(component(String.valueOf(latent), written)));
        components.add(component(DirectLogitAttribution.ERROR, row.error));
        components.add(component(DirectLogitAttribution.BIAS, row.bias));
        components.add(component(attachment.place(), row.whole));
        return ResidualStack.of(cache.rows(), dModel, components);
    }

    private ResidualStack.Component component(String name, float[] values) {
        return new ResidualStack.Component(
                name, (row, out, offset) -> System.arraycopy(inResidual(values), 0, out, offset, dModel));
    }

    /** What a row of the site writes to the residual stream. */
    private float[] inResidual(float[] values) {
        if (attachment.out().site() != Site.Z) {
            return values;
        }
        double[] sums = new double[dModel];
        int width = values.length / heads.size();
        for (int head = 0; head < heads.size(); head++) {
            Matrix output = heads.get(head);
            for (int k = 0; k < width; k++) {
                double value = values[head * width + k];
                for (int i = 0; value != 0 && i < dModel; i++) {
                    sums[i] += value * output.get(k, i);
                }
            }
        }
        float[] written = new float[dModel];
        for (int i = 0; i < dModel; i++) {
            written[i] = (float) sums[i];
        }
        return written;
    }

    /**
     * The contributions of the parts of {@link #labels}.
     *
     * @param values of a pair's stack
     */
    double[] parts(ActivationCache cache, PromptPair pair, double[] values) {
        Integer[] shown = row(cache, pair).latents.keySet().toArray(Integer[]::new);
        Integer[] all = active.toArray(Integer[]::new);
        double[] parts = new double[all.length + 2];
        for (int i = 0; i < shown.length; i++) {
            parts[Arrays.binarySearch(all, shown[i])] = values[i];
        }
        parts[all.length] = values[shown.length];
        parts[all.length + 1] = values[shown.length + 1];
        return parts;
    }
}
