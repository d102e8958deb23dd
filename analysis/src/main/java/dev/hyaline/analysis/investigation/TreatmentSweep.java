package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Intervention;
import java.util.List;

/**
 * Treatments of one side's runs, a cell each.
 *
 * @param runs that the treatments were made for
 */
record TreatmentSweep(PairRuns runs, Side base, List<String> names, List<CellTreatment> treatments) implements Sweep {
    /** The edits of one treatment. */
    @FunctionalInterface
    interface CellTreatment {
        List<Intervention> of(int pair);
    }

    @Override
    public String title() {
        return "Experiments of an investigation";
    }

    @Override
    public List<Axis> axes() {
        return List.of(new Axis("experiment", names));
    }

    @Override
    public void requireMadeFor(PairRuns others) {
        if (others != runs) {
            throw new BadInputException("the experiments of an investigation were made for other runs");
        }
    }

    @Override
    public CellEdits edits(PairRuns of, int group) {
        return (cell, pair) -> treatments.get(cell).of(pair);
    }
}
