package dev.hyaline.engine;

import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.List;
import java.util.Optional;

/**
 * What a pass is to do: a ragged batch, where to begin and stop, which logits to form, who watches. Immutable; each
 * method returns a changed copy.
 *
 * @param from where to begin instead of at the embedding, from the rows in {@code residual}
 * @param residual {@code [tokens, dModel]} at {@code from}; empty when the pass begins at the embedding
 * @param reached how far the branch that begins at {@code from}, attention or MLP, has come already; empty when it is
 *     run from its start
 * @param branch {@code [tokens, width of the site]} at {@code reached}
 * @param to where to stop instead of at the logits
 */
public record ForwardRequest(
        List<Sequence> sequences,
        Optional<Boundary> from,
        float[] residual,
        Optional<Site> reached,
        float[] branch,
        Optional<Boundary> to,
        LogitSelection logits,
        Probe probe) {

    private static final float[] NOTHING = {};

    public ForwardRequest {
        sequences = List.copyOf(sequences);
    }

    /** A whole pass over a batch, all logits, nobody watching. */
    public static ForwardRequest of(List<Sequence> sequences) {
        return new ForwardRequest(
                sequences,
                Optional.empty(),
                NOTHING,
                Optional.empty(),
                NOTHING,
                Optional.empty(),
                LogitSelection.all(),
                Probe.NONE);
    }

    /** As {@link #of(List)}. */
    public static ForwardRequest of(Sequence... sequences) {
        return of(List.of(sequences));
    }

    /** One prompt from position 0. */
    public static ForwardRequest of(int... tokens) {
        return of(Sequence.of(tokens));
    }

    /**
     * Begins at a boundary, from given residual rows {@code [tokens, dModel]}, which are copied when the pass starts.
     */
    public ForwardRequest from(Boundary boundary, float[] residual) {
        return new ForwardRequest(
                sequences, Optional.of(boundary), residual, Optional.empty(), NOTHING, to, logits, probe);
    }

    /**
     * Begins inside the branch that leaves the residual stream at a boundary: after a {@code resid_pre} at
     * {@link Site#Z} or {@link Site#ATTN_OUT}, after a {@code resid_mid} at {@link Site#MLP_POST} or
     * {@link Site#MLP_OUT}. What comes before in the branch is not run, and its points do not fire.
     *
     * @param branch {@code [tokens, width of the site]}: the values at {@code reached}, which are copied when the pass
     *     starts
     */
    public ForwardRequest from(Boundary boundary, float[] residual, Site reached, float[] branch) {
        return new ForwardRequest(
                sequences, Optional.of(boundary), residual, Optional.of(reached), branch, to, logits, probe);
    }

    /** Stops at a boundary: no logits, but the residual there. */
    public ForwardRequest to(Boundary boundary) {
        return new ForwardRequest(
                sequences, from, residual, reached, branch, Optional.of(boundary), LogitSelection.none(), probe);
    }

    public ForwardRequest logits(LogitSelection selection) {
        return new ForwardRequest(sequences, from, residual, reached, branch, to, selection, probe);
    }

    public ForwardRequest probe(Probe probe) {
        return new ForwardRequest(sequences, from, residual, reached, branch, to, logits, probe);
    }

    /** Tokens in the batch. */
    public int tokens() {
        return sequences.stream().mapToInt(Sequence::length).sum();
    }
}
