package dev.hyaline.instrument.edit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An edit of a model's activations, as data. Each slot, which is a token's values at a hook point or one head's of
 * them, is changed by itself; so an intervention means the same in a batch, after a cache, and in a pass that runs a
 * part only. At attention maps only the keys up to the query are touched.
 */
public sealed interface Intervention {
    Target target();

    /** The edit and its target in words: {@code Scale of blocks.1.hook_mlp_out, positions -1}. */
    default String label() {
        return InterventionText.of(this);
    }

    /** As {@link #label}, and with which values: {@code Scale of blocks.1.hook_mlp_out, positions -1: by 0.25}. */
    default String describe() {
        return InterventionText.withValues(this);
    }

    /** Writes zeros. */
    record Zero(Target target) implements Intervention {}

    /** Writes the mean over a reference set (mean ablation). */
    record Mean(Target target, Means means) implements Intervention {}

    /**
     * Writes what a sequence drawn from a reference set has in the same slots (resample ablation). The sequence is
     * drawn among those long enough, once for each sequence of the run.
     */
    record Resample(Target target, ActivationSource reference, long seed) implements Intervention {}

    /**
     * Writes what another run has in the same slots (activation patching).
     *
     * @param sequence which of the source's sequences; null for the one with the same index
     */
    record Patch(
            Target target,
            ActivationSource source,
            @Nullable Integer sequence) implements Intervention {}

    /**
     * Writes given values.
     *
     * @param value as many as a slot has, or as there are chosen components, or one for all
     */
    record Write(Target target, Direction value) implements Intervention {}

    /**
     * Adds {@code coefficient} times a vector (steering).
     *
     * @param vector as many values as a slot has, or as there are chosen components, or one for all
     */
    record Add(Target target, Direction vector, float coefficient) implements Intervention {
        public Add {
            requireFinite("the coefficient of a vector to add", coefficient);
        }
    }

    /** Multiplies by a factor. */
    record Scale(Target target, float factor) implements Intervention {
        public Scale {
            requireFinite("the factor to scale by", factor);
        }
    }

    /**
     * Removes the component in the span of directions (directional ablation).
     *
     * @param directions need not be orthogonal or of length one
     */
    record ProjectOut(Target target, List<Direction> directions) implements Intervention {
        public ProjectOut {
            directions = List.copyOf(directions);
            if (directions.isEmpty()) {
                throw new BadInputException("projecting out needs at least one direction, found none");
            }
        }
    }

    /** Exchanges the values of the target's two heads. */
    record SwapHeads(Target target) implements Intervention {}

    /**
     * Adds normal noise. The noise of each value depends on the seed, the slot and the value's index alone.
     *
     * @param deviation standard deviation
     */
    record Noise(Target target, float deviation, long seed) implements Intervention {
        public Noise {
            if (!(deviation >= 0) || Float.isInfinite(deviation)) {
                throw new BadInputException(
                        "the standard deviation of noise must be a finite number of at least 0, found " + deviation);
            }
        }
    }

    /** Applies a function. */
    record Custom(Target target, SlotFunction function) implements Intervention {}

    /** Changes the values of one slot. The result may depend on the slot and the values alone. */
    @FunctionalInterface
    interface SlotFunction {
        /**
         * Called once for each slot of a pass, on the thread that runs it.
         *
         * @param values all values of the slot, to be changed in place; only those of the target's part are kept
         */
        void change(Slot slot, float[] values);

        /**
         * Takes a gradient back through {@link #change}: from that with respect to the values that it left to that with
         * respect to the values that it found, in place. A function that writes constants writes zeros here. One whose
         * derivative depends on the values keeps what it needs of them from the pass before.
         *
         * @param gradient zero outside the target's part
         * @return false, as here, if the gradient is not known; a backward pass through the edit is refused then
         */
        default boolean pullBack(Slot slot, float[] gradient) {
            return false;
        }
    }

    private static void requireFinite(String what, float number) {
        if (!Float.isFinite(number)) {
            throw new BadInputException(what + " must be finite, found " + number);
        }
    }

    static Intervention zero(Target target) {
        return new Zero(target);
    }

    static Intervention mean(Target target, Means means) {
        return new Mean(target, means);
    }

    static Intervention resample(Target target, ActivationSource reference, long seed) {
        return new Resample(target, reference, seed);
    }

    /** From the sequence with the same index. */
    static Intervention patch(Target target, ActivationSource source) {
        return new Patch(target, source, null);
    }

    static Intervention patch(Target target, ActivationSource source, int sequence) {
        return new Patch(target, source, sequence);
    }

    static Intervention set(Target target, float... value) {
        return new Write(target, Direction.of(value));
    }

    static Intervention add(Target target, float coefficient, float... vector) {
        return new Add(target, Direction.of(vector), coefficient);
    }

    static Intervention scale(Target target, float factor) {
        return new Scale(target, factor);
    }

    static Intervention projectOut(Target target, Direction... directions) {
        return new ProjectOut(target, List.of(directions));
    }

    /** Exchanges two heads. */
    static Intervention swapHeads(Target target, int head, int other) {
        return new SwapHeads(target.heads(head, other));
    }

    static Intervention noise(Target target, float deviation, long seed) {
        return new Noise(target, deviation, seed);
    }

    static Intervention function(Target target, SlotFunction function) {
        return new Custom(target, function);
    }
}
