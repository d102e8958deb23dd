package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.engine.error.BadInputException;
import java.util.OptionalInt;

/**
 * A node of a circuit of latents: one latent of an autoencoder, or its error term, which is what all of them together
 * miss (Marks et al. 2024, "Sparse feature circuits").
 *
 * @param latent empty for the error term
 */
public record SpliceNode(Attachment attachment, OptionalInt latent) {
    /**
     * A latent.
     *
     * @throws BadInputException if there is no such latent
     */
    public static SpliceNode latent(Attachment attachment, int latent) {
        BadInputException.requireIndex(
                "latent", latent, attachment.autoencoder().config().latents());
        return new SpliceNode(attachment, OptionalInt.of(latent));
    }

    /** The error term. */
    public static SpliceNode error(Attachment attachment) {
        return new SpliceNode(attachment, OptionalInt.empty());
    }

    /** The pass without it: the latent at zero with the error term added, or the reconstruction without that. */
    Splice ablated() {
        Splice splice = Splice.of(attachment);
        return latent.isEmpty() ? splice : splice.withError().edit(new LatentEdit.AblateLatent(latent.getAsInt()));
    }

    /** {@code 26} or {@code error}. */
    public String localName() {
        return latent.isEmpty() ? "error" : String.valueOf(latent.getAsInt());
    }

    /** {@code blocks.2.hook_resid_post 26}. */
    public String name() {
        return attachment.place() + " " + localName();
    }

    @Override
    public String toString() {
        return name();
    }
}
