package dev.hyaline.engine.site;

/**
 * The stages of a pass. Each reads the residual stream at one {@link Boundary} and leaves it at the next: a pass is
 * {@code EMBEDDING}, then {@code ATTENTION} and {@code MLP} once a layer, then {@code UNEMBEDDING}. {@link Site} lists
 * the sites of each stage in order.
 */
public enum Stage {
    /** {@code resid_pre(0) = embed + pos_embed}. It begins at no boundary. */
    EMBEDDING,
    /** {@code resid_mid = resid_pre + attn(ln1(resid_pre))}. */
    ATTENTION,
    /** {@code resid_post = resid_mid + mlp(ln2(resid_mid))}. */
    MLP,
    /** {@code logits = ln_final(resid_post) W_U}. It leaves no residual stream. */
    UNEMBEDDING;

    /** Returns whether the stage exists once a layer. */
    public boolean perLayer() {
        return this == ATTENTION || this == MLP;
    }
}
