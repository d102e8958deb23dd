package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.instrument.Intervention;
import java.util.List;
import java.util.stream.IntStream;

/** A table's worth of edits, each of every pair's base run. Cells are counted in row-major order of the axes. */
public interface Sweep {
    /** What is done, in words. */
    String title();

    /**
     * Everything that tells the sweep from any other of its experiment but the axes: two with the same key do the same.
     */
    default String key() {
        return title();
    }

    List<Axis> axes();

    /** The run that is edited. */
    Side base();

    /** Number of groups of cells; the cells of a group are measured together. */
    default int groups() {
        return 1;
    }

    /** The cells of a group. */
    default IntStream cells(int group) {
        return IntStream.range(0, cells());
    }

    /** What a group's cells do. May run the model. */
    CellEdits edits(int group);

    /** Number of cells. */
    default int cells() {
        return axes().stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
    }

    /** What to do in one cell. */
    @FunctionalInterface
    interface CellEdits {
        /** The interventions on a pair's base run; none where a cell changes nothing. Asked for more than once. */
        List<Intervention> of(int cell, int pair);
    }
}
