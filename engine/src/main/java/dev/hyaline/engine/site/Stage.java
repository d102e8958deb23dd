package dev.hyaline.engine.site;

import java.util.Arrays;
import java.util.List;

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

    /** The sites of the stage, in the order in which a pass reaches them. */
    public List<Site> sites() {
        return Arrays.stream(Site.values()).filter(site -> site.stage() == this).toList();
    }

    /** Returns whether the stage exists once a layer. */
    public boolean perLayer() {
        return this == ATTENTION || this == MLP;
    }
}
