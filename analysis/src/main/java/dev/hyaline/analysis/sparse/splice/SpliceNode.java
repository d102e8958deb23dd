package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.engine.error.BadInputException;

/**
 * A node of a circuit of latents: one latent of an autoencoder, or its error term, which is what all of them together
 * miss (Marks et al. 2024, "Sparse feature circuits").
 *
 * @param latent {@link #ERROR} for the error term
 */
public record SpliceNode(Attachment attachment, int latent) {
    /** In the place of a latent: the error term. */
    public static final int ERROR = -1;

    /**
     * A latent.
     *
     * @throws BadInputException if there is no such latent
     */
    public static SpliceNode latent(Attachment attachment, int latent) {
        BadInputException.requireIndex(
                "latent", latent, attachment.autoencoder().config().latents());
        return new SpliceNode(attachment, latent);
    }

    /** The error term. */
    public static SpliceNode error(Attachment attachment) {
        return new SpliceNode(attachment, ERROR);
    }

    /** Returns whether it is the error term. */
    public boolean isError() {
        return latent == ERROR;
    }

    /** The pass without it: the latent at zero with the error term added, or the reconstruction without that. */
    Splice ablated() {
        Splice splice = Splice.of(attachment);
        return isError() ? splice : splice.withError().edit(new LatentEdit.AblateLatent(latent));
    }

    /** {@code 26} or {@code error}. */
    public String localName() {
        return isError() ? "error" : String.valueOf(latent);
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
