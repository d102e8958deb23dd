package dev.hyaline.instrument.internal.edit;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Binds interventions to a model and to the sequences of a run. */
public final class BoundEdits {
    private BoundEdits() {}

    /**
     * Binds interventions to one sequence.
     *
     * @param sequences of the run
     * @param length where negative positions count from
     * @param bound positions that can be reached
     * @return the edits in the order in which a pass reaches them
     * @throws BadInputException if an intervention does not fit the model or the sequence, or two write a value in
     *     common
     */
    public static List<BoundEdit> bind(
            Interventions interventions, Gpt2Config config, int sequences, int sequence, int length, int bound) {
        List<BoundEdit> edits = new ArrayList<>();
        for (Intervention intervention : interventions.list()) {
            int reached = takesFromPositions(intervention) ? length : bound;
            named(intervention, () -> bind(intervention, config, sequences, sequence, length, reached, edits));
        }
        edits.sort(Comparator.comparing(BoundEdit::point)); // stable: the order given decides at one point
        if (!interventions.isInOrder()) {
            requireApart(edits);
        }
        return edits;
    }

    private static void bind(
            Intervention intervention,
            Gpt2Config config,
            int sequences,
            int sequence,
            int length,
            int bound,
            List<BoundEdit> edits) {
        Target target = intervention.target();
        if (!target.sequences().contains(sequence, sequences)) {
            return;
        }
        Site site = target.site();
        if (!site.perLayer()) {
            if (!target.layers().isAll()) {
                throw new BadInputException(site.localName() + " is outside the layers");
            }
            edits.add(new BoundEdit(intervention, HookPoint.of(site), config, sequence, length, bound));
            return;
        }
        for (int layer : target.layers().in(config.nLayers(), "layer")) {
            edits.add(new BoundEdit(intervention, HookPoint.of(site, layer), config, sequence, length, bound));
        }
    }

    /** Another run has no values for tokens yet to be generated; "everywhere" means the prompt then. */
    private static boolean takesFromPositions(Intervention intervention) {
        boolean taken = switch (intervention) {
            case Intervention.Patch patch -> true;
            case Intervention.Resample resample -> true;
            case Intervention.Mean mean -> mean.means().isByPosition();
            default -> false;
        };
        return taken && intervention.target().positions().isAll();
    }

    /**
     * Checks that every choice of sequences has some of a run's, even where no prompt is chosen.
     *
     * @throws BadInputException naming an intervention that chooses others
     */
    public static void requireSequences(Interventions interventions, int sequences) {
        for (Intervention intervention : interventions.list()) {
            named(intervention, () -> intervention.target().sequences().in(sequences, "sequence"));
        }
    }

    /**
     * Checks that every intervention acts on a sequence.
     *
     * @throws BadInputException naming one that leaves it out
     */
    public static void requireActsOn(Interventions interventions, int sequence, int sequences) {
        for (Intervention intervention : interventions.list()) {
            if (!intervention.target().sequences().contains(sequence, sequences)) {
                throw new BadInputException(
                        intervention.label() + ": it leaves out sequence " + sequence + ", which it is to edit");
            }
        }
    }

    private static void requireApart(List<BoundEdit> edits) {
        for (int i = 0; i < edits.size(); i++) {
            BoundEdit first = edits.get(i);
            for (int j = i + 1; j < edits.size() && edits.get(j).point().equals(first.point()); j++) {
                BoundEdit second = edits.get(j);
                if (first.overlaps(second)) {
                    throw new BadInputException("two interventions write the same values: "
                            + first.intervention().label() + " and "
                            + second.intervention().label()
                            + "; let the later act on what the earlier left (" + Remedy.EDIT_IN_ORDER
                            + ", \"in_order\": true in JSON),"
                            + " or choose places apart (" + Remedy.EDIT_APART + ")");
                }
            }
        }
    }

    /** Names the intervention in whatever is wrong with it. */
    private static void named(Intervention intervention, Runnable check) {
        try {
            check.run();
        } catch (BadInputException | BadShapeException e) {
            throw new BadInputException(intervention.label() + ": " + e.getMessage());
        }
    }
}
