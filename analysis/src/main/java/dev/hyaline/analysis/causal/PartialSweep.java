package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.IndexSelection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A sweep over some steps of one of its axes. */
final class PartialSweep implements Sweep {
    private final Sweep whole;
    private final List<Axis> axes;
    /** The whole sweep's cell of each cell. */
    private final int[] cells;
    /** The other way round, where there is one. */
    private final Map<Integer, Integer> own = new HashMap<>();

    PartialSweep(Sweep whole, String axis, IndexSelection steps) {
        this.whole = whole;
        List<String> names = whole.axes().stream().map(Axis::name).toList();
        int chosen = names.indexOf(axis);
        if (chosen < 0) {
            throw new BadInputException("'" + whole.title() + "' has no " + axis + "s to choose from, only "
                    + String.join(", ", names.stream().map(name -> name + "s").toList()));
        }
        Axis all = whole.axes().get(chosen);
        int[] kept = steps.in(all.size(), axis);
        List<Axis> partial = new ArrayList<>(whole.axes());
        partial.set(
                chosen,
                new Axis(axis, Arrays.stream(kept).mapToObj(all.labels()::get).toList()));
        axes = List.copyOf(partial);
        cells = IntStream.range(0, whole.cells())
                .filter(cell -> Arrays.binarySearch(kept, Axis.index(whole.axes(), cell)[chosen]) >= 0)
                .toArray();
        IntStream.range(0, cells.length).forEach(cell -> own.put(cells[cell], cell));
    }

    @Override
    public String title() {
        return whole.title();
    }

    @Override
    public String key() {
        return whole.key();
    }

    @Override
    public List<Axis> axes() {
        return axes;
    }

    @Override
    public Side base() {
        return whole.base();
    }

    @Override
    public void requireMadeFor(PairRuns runs) {
        whole.requireMadeFor(runs);
    }

    @Override
    public int groups() {
        return whole.groups();
    }

    @Override
    public IntStream cells(int group) {
        return whole.cells(group).filter(own::containsKey).map(own::get);
    }

    @Override
    public CellEdits edits(PairRuns runs, int group) {
        CellEdits edits = whole.edits(runs, group);
        return (cell, pair) -> edits.of(cells[BadInputException.requireIndex("cell", cell, cells.length)], pair);
    }

    @Override
    public int editsAtOnce() {
        return whole.editsAtOnce();
    }
}
