package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.weights.ProcessingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An autoencoder at the sites of a model that it reads and writes, and the conversion between the bases of both. One
 * that was trained on centred residuals (TransformerLens's {@code center_writing_weights}) runs on a model whose
 * residuals are not: the mean over the dimensions is taken out before it encodes and put back after it decodes.
 *
 * @param in the point that it reads
 * @param out the point that it writes; the same unless it is a transcoder
 * @param oneHead the only head that it reads and writes there; null if it takes whole rows
 * @param centring whether means are taken out and put back
 * @param notes what is converted, in sentences
 */
public record Attachment(
        SparseAutoencoder autoencoder,
        HookPoint in,
        HookPoint out,
        @Nullable OneHead oneHead,
        boolean centring,
        List<String> notes) {
    /**
     * One head of a site's.
     *
     * @param of the number of heads there are
     */
    public record OneHead(int index, int of) {}

    private static final String CENTRED = ProcessingStep.CENTER_WRITING_WEIGHTS.toString();

    public Attachment {
        notes = List.copyOf(notes);
    }

    /**
     * Attaches an autoencoder where its files say.
     *
     * @throws BadInputException if they do not say, or the model has no such site, or one of another width
     */
    public static Attachment of(SparseAutoencoder autoencoder, Gpt2 model) {
        return of(autoencoder, model.weights());
    }

    /** As {@link #of(SparseAutoencoder, Gpt2)}, to a model that does not run yet. */
    public static Attachment of(SparseAutoencoder autoencoder, Gpt2Weights model) {
        requireOneSite(autoencoder);
        SaeMetadata metadata = autoencoder.metadata();
        String in = metadata.hookName()
                .orElseThrow(() ->
                        new BadInputException("the autoencoder's files do not say which site it reads; name one"));
        String out = autoencoder.config().transcoder()
                ? metadata.hookNameOut()
                        .orElseThrow(() -> new BadInputException(
                                "the transcoder's files do not say which site it writes; name one"))
                : in;
        return of(autoencoder, model, HookPoints.point(in), HookPoints.point(out));
    }

    /**
     * Attaches an autoencoder to given sites.
     *
     * @throws BadInputException if the model has no such site, or one of another width; or if the autoencoder's files
     *     name a head that the site does not have
     */
    public static Attachment of(SparseAutoencoder autoencoder, Gpt2 model, HookPoint in, HookPoint out) {
        return of(autoencoder, model.weights(), in, out);
    }

    /** As {@link #of(SparseAutoencoder, Gpt2, HookPoint, HookPoint)}, to a model that does not run yet. */
    public static Attachment of(SparseAutoencoder autoencoder, Gpt2Weights model, HookPoint in, HookPoint out) {
        Gpt2Config config = model.config();
        requireOneSite(autoencoder);
        @Nullable OneHead head = head(autoencoder.metadata(), config);
        require(config, in, head, autoencoder.config().dIn(), "reads");
        require(config, out, head, autoencoder.config().dOut(), "writes");
        List<String> notes = new ArrayList<>();
        boolean processed = model.processing().contains(CENTRED);
        boolean wanted = autoencoder.metadata().centred().orElse(false);
        boolean residual = in.site().shape() == Site.Shape.RESIDUAL && isWritten(in.site());
        boolean centring = wanted && !processed && residual;
        if (centring) {
            notes.add("The autoencoder was trained with " + CENTRED + ": the mean of each activation at " + in
                    + " is taken out before it encodes, and put back after it decodes.");
        }
        if (!wanted && processed && autoencoder.metadata().centred().isPresent() && residual) {
            throw new BadInputException("the autoencoder was trained on residuals that are not centred, but the model's"
                    + " weights are: run it on the weights as they are");
        }
        requireProcessed(autoencoder.metadata(), model, in, out);
        return new Attachment(autoencoder, in, out, head, centring, notes);
    }

    /** Checks the steps other than centring, which cannot be undone at a site. */
    private static void requireProcessed(SaeMetadata metadata, Gpt2Weights model, HookPoint in, HookPoint out) {
        if (metadata.processing().isEmpty()) {
            return;
        }
        List<ProcessingStep> trained = metadata.processing().get();
        for (ProcessingStep step : ProcessingStep.values()) {
            boolean processed = model.processing().contains(step.toString());
            for (HookPoint point : List.of(in, out)) {
                if (trained.contains(step) != processed && changes(step, point.site())) {
                    throw new BadInputException("the autoencoder was trained on weights processed by "
                            + ProcessingStep.names(trained) + ", but the model's are"
                            + (processed ? "" : " not") + " processed by " + step + ", which changes " + point
                            + "; run it on weights processed as those were (" + Remedy.PROCESS_WEIGHTS + ")");
                }
            }
        }
    }

    /** Returns whether a step other than centring changes the values at a site. */
    private static boolean changes(ProcessingStep step, Site site) {
        return switch (step) {
            case FOLD_LN ->
                switch (site) {
                    case LN1_NORMALIZED, LN2_NORMALIZED, LN_FINAL_NORMALIZED, UNEMBED_IN -> true;
                    default -> false;
                };
            case FOLD_VALUE_BIASES ->
                switch (site) {
                    case V, Z, RESULT -> true;
                    default -> false;
                };
            case CENTER_UNEMBED -> site == Site.UNEMBED_OUT;
            case CENTER_WRITING_WEIGHTS -> false;
        };
    }

    private static @Nullable OneHead head(SaeMetadata metadata, Gpt2Config config) {
        return metadata.head().isPresent() ? new OneHead(metadata.head().getAsInt(), config.nHeads()) : null;
    }

    /** The only head that it reads and writes; empty if it takes whole rows. */
    public Optional<OneHead> head() {
        return Optional.ofNullable(oneHead);
    }

    /** The site that it writes, and the head where it is only one's: {@code blocks.1.attn.hook_z, head 3}. */
    public String place() {
        return out.name() + head().map(one -> ", head " + one.index()).orElse("");
    }

    /** The name before those of inner sites: {@code blocks.1.attn.hook_z}, {@code blocks.1.attn.hook_z.head3}. */
    String innerName() {
        return out.name() + head().map(one -> ".head" + one.index()).orElse("");
    }

    /** Returns whether two write the same values. */
    boolean overlaps(Attachment other) {
        return out.equals(other.out) && (oneHead == null || other.oneHead == null || oneHead.equals(other.oneHead));
    }

    /** The first of the columns of the site that it writes; those of its head, or all. */
    public int firstColumn() {
        return head().map(one -> one.index() * autoencoder.config().dOut()).orElse(0);
    }

    /**
     * The values of rows that are the autoencoder's: those of its head, copied, or the rows themselves if it takes all.
     *
     * @param rows of the site that it reads or writes, or gradients there, {@code [tokens, width of the site]}
     * @return {@code [tokens, dIn]} or {@code [tokens, dOut]}
     */
    public float[] ofHead(float[] rows) {
        if (oneHead == null) {
            return rows;
        }
        int width = autoencoder.config().dOut();
        int stride = oneHead.of() * width;
        float[] columns = new float[rows.length / stride * width];
        for (int t = 0; t < rows.length / stride; t++) {
            System.arraycopy(rows, t * stride + firstColumn(), columns, t * width, width);
        }
        return columns;
    }

    /**
     * The rows of the site that it reads as the autoencoder encodes them: the same, or without their means.
     *
     * @param x {@code [tokens, dIn]}
     */
    float[] encoderInput(float[] x) {
        if (!centring) {
            return x;
        }
        int d = autoencoder.config().dIn();
        float[] means = means(x, d);
        float[] centred = x.clone();
        for (int i = 0; i < centred.length; i++) {
            centred[i] -= means[i / d];
        }
        return centred;
    }

    /** The mean of each row over its values. */
    static float[] means(float[] x, int d) {
        float[] means = new float[x.length / d];
        for (int t = 0; t < means.length; t++) {
            double sum = 0;
            for (int c = t * d; c < (t + 1) * d; c++) {
                sum += x[c];
            }
            means[t] = (float) (sum / d);
        }
        return means;
    }

    /** Sites that centring changes: what is written to the residual stream, and the stream itself. */
    private static boolean isWritten(Site site) {
        return switch (site) {
            case EMBED, POS_EMBED, RESID_PRE, RESID_MID, RESID_POST, ATTN_OUT, MLP_OUT -> true;
            default -> false;
        };
    }

    private static void requireOneSite(SparseAutoencoder autoencoder) {
        if (autoencoder.config().sites() != 1) {
            throw new BadInputException("a crosscoder belongs to several sites and cannot be attached to one");
        }
    }

    private static void require(Gpt2Config config, HookPoint point, @Nullable OneHead head, int width, String verb) {
        if (point.site().perLayer() && point.layer() >= config.nLayers()) {
            throw new BadInputException("the autoencoder " + verb + " " + point + ", but the model has layers 0 to "
                    + (config.nLayers() - 1));
        }
        if (point.site().isMap()) {
            throw new BadInputException(point + " has no row a token for an autoencoder");
        }
        int found = point.site().shape().width(config);
        String place = point.toString();
        if (head != null) {
            int index = head.index();
            if (!point.site().shape().byHead()) {
                throw new BadInputException(
                        "the autoencoder " + verb + " head " + index + " of " + point + ", which has no heads");
            }
            if (index >= config.nHeads()) {
                throw new BadInputException("the autoencoder " + verb + " head " + index + " of " + point
                        + ", but the model has heads 0 to " + (config.nHeads() - 1));
            }
            found /= config.nHeads();
            place = "head " + index + " of " + point;
        }
        if (found != width) {
            throw new BadInputException("the autoencoder " + verb + " " + width + " values, but " + place + " has "
                    + found + " in this model");
        }
    }
}
