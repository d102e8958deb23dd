package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.List;

/**
 * A request for a pass: a ragged batch, where the pass begins and what it leaves, who watches. By default the pass is
 * whole, forms all logits, and nobody watches. Immutable; each method returns a changed copy.
 */
public final class ForwardRequest {
    private final List<Sequence> sequences;
    private final Start start;
    private final Goal goal;
    private final Probe probe;

    private ForwardRequest(List<Sequence> sequences, Start start, Goal goal, Probe probe) {
        this.sequences = sequences;
        this.start = start;
        this.goal = goal;
        this.probe = probe;
    }

    /** A whole pass over a batch. */
    public static ForwardRequest of(List<Sequence> sequences) {
        return new ForwardRequest(
                List.copyOf(sequences), new Start.Embedding(), new Goal.LogitRows(LogitSelection.all()), Probe.NONE);
    }

    /** A whole pass over a batch. */
    public static ForwardRequest of(Sequence... sequences) {
        return of(List.of(sequences));
    }

    /** A whole pass over one prompt from position 0. */
    public static ForwardRequest of(int... tokens) {
        return of(Sequence.of(tokens));
    }

    /** Begins at a boundary, from residual rows {@code [tokens, dModel]}. */
    public ForwardRequest from(Boundary boundary, float[] residual) {
        return from(new Start.Residual(boundary, residual));
    }

    /**
     * Begins in the middle of attention or an MLP.
     *
     * @param residual the residual stream that the stage reads, {@code [tokens, dModel]}
     * @param values {@code [tokens, width of the site]} at the point
     * @throws BadInputException if no pass can begin at the point
     */
    public ForwardRequest from(HookPoint point, float[] residual, float[] values) {
        return from(new Start.Branch(point, residual, values));
    }

    /** Begins at a place. */
    public ForwardRequest from(Start start) {
        return new ForwardRequest(sequences, start, goal, probe);
    }

    /** Stops at a boundary: no logits, but the residual stream there. */
    public ForwardRequest to(Boundary boundary) {
        return new ForwardRequest(sequences, start, new Goal.ResidualRows(boundary), probe);
    }

    /** Runs to the end and forms these logits. */
    public ForwardRequest logits(LogitSelection selection) {
        return new ForwardRequest(sequences, start, new Goal.LogitRows(selection), probe);
    }

    /** Has a probe watch. */
    public ForwardRequest probe(Probe probe) {
        return new ForwardRequest(sequences, start, goal, probe);
    }

    /** The batch. */
    public List<Sequence> sequences() {
        return sequences;
    }

    /** The place where the pass begins. */
    public Start start() {
        return start;
    }

    /** The values that the pass is run for. */
    public Goal goal() {
        return goal;
    }

    /** The probe that watches. */
    public Probe probe() {
        return probe;
    }

    /** Tokens in the batch. */
    public int tokens() {
        return sequences.stream().mapToInt(Sequence::length).sum();
    }

    @Override
    public String toString() {
        String text = sequences.size() + (sequences.size() == 1 ? " sequence, " : " sequences, ");
        return switch (goal) {
            case Goal.ResidualRows(Boundary at) -> text + "residual stream at " + at;
            case Goal.LogitRows(LogitSelection selection) -> text + selection;
        };
    }
}
