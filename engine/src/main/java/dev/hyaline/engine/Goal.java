package dev.hyaline.engine;

import dev.hyaline.engine.site.Boundary;

/** The values that a pass is run for, and so the place where it stops. */
public sealed interface Goal {
    /** The residual stream of all tokens at a boundary. */
    record ResidualRows(Boundary at) implements Goal {}

    /** Logits, after the last stage. */
    record LogitRows(LogitSelection selection) implements Goal {}
}
