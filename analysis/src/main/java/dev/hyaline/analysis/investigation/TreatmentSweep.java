package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;

/**
 * Treatments of one side's runs, a cell each.
 *
 * @param runs that the treatments were made for
 * @param words that tell the treatments from others of the runs
 */
record TreatmentSweep(PairRuns runs, Side base, String words, List<String> names, List<Evidence.PairEdits> treatments)
        implements Sweep {
    @Override
    public String title() {
        return "Experiments of an investigation";
    }

    @Override
    public String key() {
        return title() + ": " + words;
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
