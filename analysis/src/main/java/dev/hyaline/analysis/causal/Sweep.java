package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.edit.Intervention;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A table of edits, each of every pair's base run. A sweep describes what to do and belongs to no experiment: it can be
 * measured on every one whose model and pairs have what it edits. Cells are counted in row-major order of the axes.
 */
public interface Sweep {
    /** The sweep in words. */
    String title();

    /** Everything but the axes that tells the sweep from others: two with the same key and axes do the same. */
    default String key() {
        return title();
    }

    List<Axis> axes();

    /**
     * The same along some steps of an axis only, which keep their labels: {@code only("layer", IndexSelection.of(2))}.
     *
     * @param axis its name, such as {@code layer} or {@code head}
     * @throws BadInputException if there is no such axis or step
     */
    default Sweep only(String axis, IndexSelection steps) {
        return new PartialSweep(this, axis, steps);
    }

    /** The run that is edited. */
    Side base();

    /**
     * Checks that the sweep was made for such runs.
     *
     * @throws BadInputException if it was made for a model of another shape or for other pairs
     */
    void requireMadeFor(PairRuns runs);

    /** Number of groups of cells; the cells of a group are measured together. */
    default int groups() {
        return 1;
    }

    /** The cells of a group. */
    default IntStream cells(int group) {
        return IntStream.range(0, cells());
    }

    /** The edits of runs by a group's cells. May run the model. */
    CellEdits edits(PairRuns runs, int group);

    /** Number of edits, each one cell of one pair, that are held at a time. */
    default int editsAtOnce() {
        // Those of a large sweep would take more memory than its results.
        return 1 << 14;
    }

    /** Number of cells. */
    default int cells() {
        return axes().stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
    }

    /** The edits of a group's cells. */
    @FunctionalInterface
    interface CellEdits {
        /** The interventions on a pair's base run; none where a cell changes nothing. */
        List<Intervention> of(int cell, int pair);
    }
}
