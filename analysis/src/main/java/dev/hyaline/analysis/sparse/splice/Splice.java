package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * An autoencoder in the pass of a model: what its site holds is replaced by its reconstruction or, with the error term,
 * by itself and what edited latents change. Without edits the error term leaves every bit as it was. Immutable.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/JavadocExamplesTest.java" region="splice"}
 */
public final class Splice {
    private final Attachment attachment;
    private final boolean error;
    private final List<LatentEdit> edits;

    private Splice(Attachment attachment, boolean error, List<LatentEdit> edits) {
        this.attachment = attachment;
        this.error = error;
        this.edits = List.copyOf(edits);
    }

    /** The reconstruction in place of the activation. */
    public static Splice of(Attachment attachment) {
        return new Splice(attachment, false, List.of());
    }

    /** The same, with what the reconstruction misses added as a constant. */
    public Splice withError() {
        return new Splice(attachment, true, edits);
    }

    /**
     * The same with edited latents, in place of edits so far.
     *
     * @throws BadInputException if a latent is not there, or edited twice
     */
    public Splice edit(LatentEdit... changes) {
        int n = attachment.autoencoder().config().latents();
        boolean[] taken = new boolean[n];
        for (LatentEdit edit : changes) {
            BadInputException.requireIndex("latent", edit.latent(), n);
            if (taken[edit.latent()]) {
                throw new BadInputException("latent " + edit.latent() + " is edited twice");
            }
            taken[edit.latent()] = true;
        }
        return new Splice(attachment, error, List.of(changes));
    }

    public Attachment attachment() {
        return attachment;
    }

    public List<LatentEdit> edits() {
        return edits;
    }

    /**
     * The output of a splice for some tokens, and the values on the way there.
     *
     * @param input what the site that it reads held
     * @param encoded the same in the basis that the autoencoder was trained in
     * @param before latents without edits
     * @param after latents with them
     * @param reconstruction from these
     * @param output what the site that it writes holds then
     */
    public record SpliceResult(
            float[] input, float[] encoded, Latents before, Latents after, float[] reconstruction, float[] output) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * Runs the autoencoder.
     *
     * @param x what the site that it reads holds {@code [tokens, dIn]}
     * @param y what the site that it writes holds {@code [tokens, dOut]}; the same array unless it is a transcoder's
     */
    public SpliceResult apply(float[] x, float[] y) {
        return apply(x, y, attachment.autoencoder().encode(attachment.encoderInput(x)));
    }

    /** The same, where the latents without edits are known. */
    SpliceResult apply(float[] x, float[] y, Latents before) {
        SparseAutoencoder sae = attachment.autoencoder();
        int dIn = sae.config().dIn();
        int dOut = sae.config().dOut();
        float[] means = attachment.centring() ? Attachment.means(x, dIn) : new float[0];
        float[] input = attachment.encoderInput(x);
        Latents after = edits.isEmpty() ? before : edited(before);
        float[] reconstruction = sae.reconstruct(input, after);
        if (means.length > 0 && !sae.config().transcoder()) {
            for (int i = 0; i < reconstruction.length; i++) {
                reconstruction[i] += means[i / dOut];
            }
        }
        float[] output = error ? y.clone() : reconstruction;
        if (error && !edits.isEmpty()) {
            addChange(sae, before, after, output);
        }
        return new SpliceResult(x, input, before, after, reconstruction, output);
    }

    private Latents edited(Latents before) {
        int tokens = before.tokens();
        int[] offsets = new int[tokens + 1];
        int[] indices = new int[before.count() + tokens * edits.size()];
        float[] values = new float[indices.length];
        int to = 0;
        for (int t = 0; t < tokens; t++) {
            TreeMap<Integer, Float> row = new TreeMap<>();
            for (int e = before.offsets()[t]; e < before.offsets()[t + 1]; e++) {
                row.put(before.indices()[e], before.values()[e]);
            }
            for (LatentEdit edit : edits) {
                row.put(edit.latent(), edit.apply(row.getOrDefault(edit.latent(), 0f)));
            }
            for (Map.Entry<Integer, Float> entry : row.entrySet()) {
                if (entry.getValue() != 0) {
                    indices[to] = entry.getKey();
                    values[to++] = entry.getValue();
                }
            }
            offsets[t + 1] = to;
        }
        return new Latents(
                before.width(),
                offsets,
                Arrays.copyOf(indices, to),
                Arrays.copyOf(values, to),
                before.scale(),
                before.shift());
    }

    /** Adds what the edits change of the reconstruction: {@code sum (f' - f) w}, nothing where nothing changed. */
    private void addChange(SparseAutoencoder sae, Latents before, Latents after, float[] output) {
        int d = sae.config().dOut();
        float[] decoder = sae.parameters().decoder();
        boolean rescaled = sae.config().activation().isRescaled();
        for (int t = 0; t < before.tokens(); t++) {
            float scale = before.scale().length == 0 ? 1 : before.scale()[t];
            for (LatentEdit edit : edits) {
                int i = edit.latent();
                float change = after.get(t, i) - before.get(t, i);
                if (change == 0) {
                    continue;
                }
                float factor = change * scale / (rescaled ? sae.decoderNorms()[i] : 1);
                for (int c = 0; c < d; c++) {
                    output[t * d + c] += factor * decoder[i * d + c];
                }
            }
        }
    }

    /**
     * The splice at every position as an intervention, for edited models, partial reruns, generation and sweeps.
     *
     * @throws BadInputException if it needs more than one slot of the pass at a time: a transcoder, or all heads of a
     *     site
     */
    public Intervention intervention() {
        return intervention(Target.of(attachment.out()));
    }

    /**
     * As {@link #intervention()}, at some positions or of some sequences.
     *
     * @param target of the site that the autoencoder writes; of the head of one that has only one
     */
    public Intervention intervention(Target target) {
        if (!attachment.in().equals(attachment.out())) {
            throw new BadInputException("a transcoder needs two sites of a pass at once: splice it with a SpliceProbe");
        }
        Site site = attachment.out().site();
        Optional<Attachment.OneHead> head = attachment.head();
        if (site.shape().byHead() && head.isEmpty()) {
            throw new BadInputException(attachment.out()
                    + " has a slot a head, and the autoencoder reads all heads: splice it with a SpliceProbe");
        }
        return Intervention.function(
                head.map(one -> target.heads(one.index())).orElse(target),
                (slot, values) -> System.arraycopy(apply(values, values).output, 0, values, 0, values.length));
    }

    @Override
    public String toString() {
        return "splice at " + attachment.place() + (error ? " with error term" : "")
                + (edits.isEmpty() ? "" : " " + edits);
    }
}
