package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.capture.DerivedSite;
import java.util.List;

/**
 * An inner site of an autoencoder, such as {@code blocks.2.hook_resid_post.hook_sae_acts_post}, in a pass that it
 * leaves as it is: the output is the reconstruction with the error term.
 *
 * @param local one of {@link SpliceProbe#SITES}
 */
public record InnerSite(Attachment attachment, String local) implements DerivedSite {
    public InnerSite {
        if (!SpliceProbe.SITES.contains(local)) {
            throw new BadInputException("there is no " + local + "; there are " + String.join(", ", SpliceProbe.SITES));
        }
        if (attachment.autoencoder().config().activation() instanceof LatentActivation.BatchTopK) {
            throw new BadInputException("the latents of a token depend on all tokens of the batch, so that there is no"
                    + " row a token to keep");
        }
    }

    @Override
    public String name() {
        return attachment.out().name() + "." + local;
    }

    @Override
    public List<HookPoint> sources() {
        HookPoint in = attachment.in();
        return in.equals(attachment.out()) ? List.of(in) : List.of(in, attachment.out());
    }

    @Override
    public int width() {
        SaeConfig config = attachment.autoencoder().config();
        return switch (local) {
            case "hook_sae_input" -> config.dIn();
            case "hook_sae_acts_pre", "hook_sae_acts_post" -> config.latents();
            default -> config.dOut();
        };
    }

    @Override
    public float[] values(List<float[]> rows) {
        float[] y = rows.getLast();
        Splice splice = Splice.of(attachment).withError();
        return SpliceProbe.values(splice, splice.apply(rows.getFirst(), y), local, y);
    }
}
