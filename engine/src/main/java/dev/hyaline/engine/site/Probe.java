package dev.hyaline.engine.site;

import java.util.Optional;

/**
 * An observer or editor of a pass, as the engine sees it. The pass forms only what is wanted; what nobody wants is
 * skipped or fused away, and no value of the pass depends on which points are wanted.
 */
public interface Probe {
    /** Wants nothing. */
    Probe NONE = new Probe() {
        @Override
        public boolean wants(HookPoint point) {
            return false;
        }

        @Override
        public void at(HookPoint point, Activation activation) {}
    };

    /** Returns whether the probe wants a point. Asked once for each point and pass, before the pass starts. */
    boolean wants(HookPoint point);

    /**
     * Returns whether {@link #at} reads or changes the values at a position of a sequence; at attention maps, those of
     * the query there. A model on a device copies no others from it; a backward pass may form only the positions from
     * the first on that its probe reads anywhere, if the probe {@link #changes} none, and need not take gradients back
     * through edits of the embeddings then. What {@code at} finds in the others' place is undefined. Asked during a
     * pass, only for points that are wanted.
     */
    default boolean reads(HookPoint point, int sequence, int position) {
        return true;
    }

    /**
     * Returns whether {@link #at} may change values at a point. One that only reads is spared the copies with which a
     * backward pass tells what was changed. Asked during a pass, only for points that are wanted.
     */
    default boolean changes(HookPoint point) {
        return true;
    }

    /**
     * Called once for each wanted point, in order, on the thread that called the pass. Values may be changed in place;
     * the pass goes on with what it finds. Nothing of {@code activation} may be kept after the call returns.
     */
    void at(HookPoint point, Activation activation);

    /**
     * Takes a gradient back through the changes that {@link #at} made at a point: from the gradient with respect to the
     * values that it left, which {@code gradient} holds, to that with respect to the values that it found, in place.
     * Called by a backward pass at each point that the forward pass's probe wanted, in reverse order. The rows,
     * positions and sequences are those of the forward pass.
     *
     * @return whether the probe knows how; by default it does not, and a backward pass through values that it has
     *     changed is refused
     */
    default boolean pullBack(HookPoint point, Activation gradient) {
        return false;
    }

    /**
     * The effect that {@link #at} would have, as data. A model on a device asks this first, at each wanted point but
     * {@code unembed.hook_out}, and calls {@code at} where there is no such data; one on the processors always calls
     * {@code at}.
     *
     * @param rows the rows, positions and sequences of the activation, whose values are not there
     */
    default Optional<Declaration> declared(HookPoint point, Activation rows) {
        return Optional.empty();
    }
}
