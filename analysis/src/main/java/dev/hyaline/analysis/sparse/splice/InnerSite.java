package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.capture.DerivedSite;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;

/**
 * An inner site of an autoencoder, such as {@code blocks.2.hook_resid_post.hook_sae_acts_post}, in a pass that it
 * leaves as it is: the output is the reconstruction with the error term.
 */
public record InnerSite(Attachment attachment, SpliceSite site) implements DerivedSite {
    private static final int BUFFER = 1 << 16;

    public InnerSite {
        if (attachment.autoencoder().config().activation() instanceof LatentActivation.BatchTopK) {
            throw new BadInputException("the latents of a token depend on all tokens of the batch, so that there is no"
                    + " row a token to keep");
        }
    }

    @Override
    public String name() {
        return attachment.innerName() + "." + site.localName();
    }

    @Override
    public List<HookPoint> sources() {
        HookPoint in = attachment.in();
        return in.equals(attachment.out()) ? List.of(in) : List.of(in, attachment.out());
    }

    @Override
    public int width() {
        return site.width(attachment.autoencoder().config());
    }

    @Override
    public float[] values(List<float[]> rows) {
        if (site == SpliceSite.ACTS_POST) {
            // As the splice has it, but without what it makes of the latents.
            float[] x = attachment.encoderInput(attachment.ofHead(rows.getFirst()));
            return attachment.autoencoder().encode(x).dense();
        }
        float[] y = attachment.ofHead(rows.getLast());
        Splice splice = Splice.of(attachment).withError();
        return site.values(splice, splice.apply(attachment.ofHead(rows.getFirst()), y), y);
    }

    @Override
    public String fingerprint() {
        MessageDigest digest = Digests.sha256();
        SaeParameters p = attachment.autoencoder().parameters();
        digest.update(attachment.autoencoder().config().toString().getBytes(StandardCharsets.UTF_8));
        for (float[] values : List.of(
                p.encoder(),
                p.encoderBias(),
                p.decoder(),
                p.decoderBias(),
                p.threshold(),
                p.gateBias(),
                p.magnitudeBias(),
                p.magnitudeScale(),
                p.skip())) {
            ByteBuffer bytes = ByteBuffer.allocate(BUFFER);
            for (float value : values) {
                if (!bytes.hasRemaining()) {
                    digest.update(bytes.flip());
                    bytes.clear();
                }
                bytes.putFloat(value);
            }
            digest.update(bytes.flip());
        }
        return "sha256:" + Digests.hex(digest);
    }

    @Override
    public void requireGradients() {
        SaeConfig config = attachment.autoencoder().config();
        boolean through = site == SpliceSite.ACTS_PRE || site == SpliceSite.INPUT;
        if (through
                && (config.activation() instanceof LatentActivation.Gated
                        || config.activation() instanceof LatentActivation.MatchingPursuit)) {
            throw new BadInputException(name() + " has no gradient here: its latents have no pre-activation of their"
                    + " own; take hook_sae_acts_post");
        }
        if (site == SpliceSite.INPUT && !(config.normalization() instanceof Normalization.None)) {
            throw new BadInputException(name() + " has no gradient here: the autoencoder normalises each token; take"
                    + " hook_sae_acts_pre");
        }
    }

    /**
     * Gradients where the autoencoder is spliced in with its error term, which is constant: with respect to a latent,
     * that of the written site times the latent's decoder row.
     */
    @Override
    public float[] gradients(List<float[]> rows, float[] gradient) {
        requireGradients();
        float[] x = attachment.ofHead(rows.getFirst());
        float[] ofOutput = attachment.ofHead(gradient);
        return switch (site) {
            case ACTS_POST -> new InnerGradients(attachment, x, ofOutput).ofLatents();
            case ACTS_PRE -> new InnerGradients(attachment, x, ofOutput).ofPreActivations();
            case INPUT -> new InnerGradients(attachment, x, ofOutput).ofInput();
            case RECONS, ERROR, OUTPUT -> ofOutput.clone();
        };
    }
}
