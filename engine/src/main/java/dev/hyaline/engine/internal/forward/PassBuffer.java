package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site.Shape;

/** The buffers that a pass keeps its values in, {@code [rows, width]} each, wherever its {@link Backend} has them. */
public enum PassBuffer {
    /** The residual stream. */
    RESIDUAL(Shape.RESIDUAL),
    /** Rows in or after a LayerNorm. */
    NORMED(Shape.RESIDUAL),
    SCALES(Shape.SCALE),
    Q(Shape.HEADS),
    K(Shape.HEADS),
    V(Shape.HEADS),
    Z(Shape.HEADS),
    NEURONS(Shape.NEURONS),
    /** The sum that a branch, attention or MLP, adds to the residual stream. */
    BRANCH(Shape.RESIDUAL),

    // Those below exist only while a probe watches what they hold.

    TOKEN_EMBEDDINGS(Shape.RESIDUAL),
    POSITION_EMBEDDINGS(Shape.RESIDUAL),
    /** The residual stream as each head reads it. */
    HEAD_INPUTS(Shape.HEAD_RESIDUAL),
    Q_INPUTS(Shape.HEAD_RESIDUAL),
    K_INPUTS(Shape.HEAD_RESIDUAL),
    V_INPUTS(Shape.HEAD_RESIDUAL),
    /** Attention scores, then the pattern: {@code [nHeads, queries, keys]} a sequence. */
    MAPS(Shape.ATTENTION),
    /** The part that each head adds to the residual stream. */
    RESULTS(Shape.HEAD_RESIDUAL),
    /** The residual stream as the MLP reads it. */
    MLP_INPUT(Shape.RESIDUAL);

    private final Shape shape;

    PassBuffer(Shape shape) {
        this.shape = shape;
    }

    /** Values a row. */
    public int width(Gpt2Config config) {
        return shape.width(config);
    }

    /** Returns whether every pass needs it. */
    public boolean always() {
        return compareTo(BRANCH) <= 0;
    }
}
