package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.function.IntFunction;

/** Circuits, one in each cell, run on the clean prompts of pairs. */
final class CircuitSweep implements Sweep {
    /** Bytes that the values of runs on their way may take. */
    private static final long RUN_BYTES = 256L << 20;

    private final CircuitEdits edits;
    private final String title;
    private final String key;
    private final Axis axis;
    private final IntFunction<Circuit> circuits;

    /**
     * A sweep.
     *
     * @param key words that tell the circuits from others
     * @param circuits by cell
     */
    CircuitSweep(CircuitEdits edits, String title, String key, Axis axis, IntFunction<Circuit> circuits) {
        this.edits = edits;
        this.title = title;
        this.key = key;
        this.axis = axis;
        this.circuits = circuits;
    }

    @Override
    public String title() {
        return title;
    }

    @Override
    public String key() {
        return title + ", " + edits.key() + ", " + key;
    }

    @Override
    public List<Axis> axes() {
        return List.of(axis);
    }

    @Override
    public Side base() {
        return Side.CLEAN;
    }

    @Override
    public int editsAtOnce() {
        return Math.clamp(RUN_BYTES / edits.bytesPerRun(), 1, 1 << 12);
    }

    @Override
    public void requireMadeFor(PairRuns runs) {
        if (runs != edits.runs()) {
            throw new BadInputException("the sweep '" + title + "' was made for the runs of another experiment");
        }
    }

    @Override
    public CellEdits edits(PairRuns runs, int group) {
        return (cell, pair) -> edits.of(circuits.apply(cell), pair);
    }
}
