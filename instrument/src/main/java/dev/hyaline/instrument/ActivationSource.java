package dev.hyaline.instrument;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.RecordText;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Recorded activations that interventions take their values from: a base run, an activation cache, a dump or a store of
 * dumped activations.
 */
public interface ActivationSource {
    /**
     * The values of a point in one sequence.
     *
     * @param positions held, ascending
     * @param values {@code [positions, ...]}, or {@code [nHeads, positions, length]} for attention maps
     */
    record Block(int[] positions, float[] values) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /** Number of sequences. */
    int sequences();

    /** Tokens in a sequence. */
    int length(int sequence);

    /** Returns whether a point's values at a position of a sequence are held. */
    boolean holds(HookPoint point, int sequence, int position);

    /**
     * Copies the values of a slot: of one head where the site has heads, of an attention map the keys up to the query.
     *
     * @throws BadInputException if they are not held
     */
    void read(Slot slot, float[] out);

    /**
     * The positions of a sequence at which a point's values are held, ascending.
     *
     * <p>Neither this nor {@link #nextSequence} takes a source's word for a length: what a file says of it may be a
     * lie.
     */
    default int[] positions(HookPoint point, int sequence) {
        return IntStream.range(0, length(sequence))
                .filter(position -> holds(point, sequence, position))
                .toArray();
    }

    /** The first sequence, from one on, that may hold values; {@link #sequences} if none does. */
    default int nextSequence(int from) {
        return from;
    }

    /** The folder of the dump that the values are read from, if they are. JSON names it instead of the values. */
    default Optional<Path> dump() {
        return Optional.empty();
    }

    /** Layers of the model that ran, as far as values are held; empty if the values cannot be listed by block. */
    default OptionalInt layers() {
        return OptionalInt.empty();
    }

    /** A point's values in a sequence; empty if none are held, or the values cannot be listed by block. */
    default Optional<Block> block(HookPoint point, int sequence) {
        return Optional.empty();
    }
}
