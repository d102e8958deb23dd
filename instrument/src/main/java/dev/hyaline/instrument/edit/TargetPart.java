package dev.hyaline.instrument.edit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.IndexSelection;
import java.util.List;

/** The part of the values of a slot that an intervention changes. */
public sealed interface TargetPart {
    /** All of them. */
    record Whole() implements TargetPart {}

    /**
     * Single ones: neurons of an MLP, dimensions of a residual stream, keys of an attention map, tokens of the logits.
     */
    record Components(IndexSelection indices) implements TargetPart {}

    /**
     * Their component in a subspace: what is orthogonal to every direction stays.
     *
     * @param directions need not be orthogonal or of length one
     */
    record Subspace(List<Direction> directions) implements TargetPart {
        public Subspace {
            directions = List.copyOf(directions);
            if (directions.isEmpty()) {
                throw new BadInputException("a subspace needs at least one direction, found none");
            }
        }
    }

    static TargetPart whole() {
        return new Whole();
    }
}
