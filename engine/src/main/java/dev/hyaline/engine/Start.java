package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;

/** The place where a pass begins, with the values that it begins with. They are copied when the pass starts. */
public sealed interface Start {
    /** The embedding of the tokens: the whole pass. */
    record Embedding() implements Start {}

    /**
     * A boundary.
     *
     * @param rows the residual stream there, {@code [tokens, dModel]}
     */
    record Residual(Boundary at, float[] rows) implements Start {
        @Override
        public String toString() {
            return "residual stream at " + at + ", " + rows.length + " values";
        }
    }

    /**
     * A point in the middle of attention or an MLP. What comes before it in the stage is not run, and its points do not
     * fire.
     *
     * @param point at {@code z}, {@code attn_out}, {@code mlp.post} or {@code mlp_out}: a site of
     *     {@link Site.Role#ENTRY}
     * @param residual the residual stream that the stage reads, {@code [tokens, dModel]}
     * @param values {@code [tokens, width of the site]} at the point
     */
    record Branch(HookPoint point, float[] residual, float[] values) implements Start {
        /**
         * Checks the point.
         *
         * @throws BadInputException if no pass can begin there
         */
        public Branch {
            if (point.site().role() != Site.Role.ENTRY) {
                throw new BadInputException("a pass cannot begin at " + point
                        + "; inside a block it can at attn.hook_z, hook_attn_out, mlp.hook_post and hook_mlp_out");
            }
        }

        @Override
        public String toString() {
            return "values of " + point + ", " + values.length;
        }
    }
}
