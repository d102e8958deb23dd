package dev.hyaline.engine;

import dev.hyaline.engine.site.Probe;
import java.util.List;
import java.util.Optional;

/**
 * What a pass is to do: a ragged batch, where to begin and stop, which logits to form, who watches. Immutable; each method returns a changed copy.
 *
 * @param from where to begin instead of at the embedding, from the rows in {@code residual}
 * @param residual {@code [tokens, dModel]} at {@code from}; empty when the pass begins at the embedding
 * @param to where to stop instead of at the logits
 */
public record ForwardRequest(
        List<Sequence> sequences,
        Optional<Boundary> from,
        float[] residual,
        Optional<Boundary> to,
        LogitSelection logits,
        Probe probe) {

    private static final float[] NO_RESIDUAL = {};

    public ForwardRequest {
        sequences = List.copyOf(sequences);
    }

    /** A whole pass over a batch, all logits, nobody watching. */
    public static ForwardRequest of(List<Sequence> sequences) {
        return new ForwardRequest(
                sequences, Optional.empty(), NO_RESIDUAL, Optional.empty(), LogitSelection.all(), Probe.NONE);
    }

    /** As {@link #of(List)}. */
    public static ForwardRequest of(Sequence... sequences) {
        return of(List.of(sequences));
    }

    /** One prompt from position 0. */
    public static ForwardRequest of(int... tokens) {
        return of(Sequence.of(tokens));
    }

    /** Begins at a boundary, from given residual rows {@code [tokens, dModel]}, which are copied when the pass starts. */
    public ForwardRequest from(Boundary boundary, float[] residual) {
        return new ForwardRequest(sequences, Optional.of(boundary), residual, to, logits, probe);
    }

    /** Stops at a boundary: no logits, but the residual there. */
    public ForwardRequest to(Boundary boundary) {
        return new ForwardRequest(sequences, from, residual, Optional.of(boundary), LogitSelection.none(), probe);
    }

    public ForwardRequest logits(LogitSelection selection) {
        return new ForwardRequest(sequences, from, residual, to, selection, probe);
    }

    public ForwardRequest probe(Probe probe) {
        return new ForwardRequest(sequences, from, residual, to, logits, probe);
    }

    /** Tokens in the batch. */
    public int tokens() {
        return sequences.stream().mapToInt(Sequence::length).sum();
    }
}
