package dev.hyaline.instrument.run;

import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;

/**
 * Interventions on one sequence of a {@link BaseRun}.
 *
 * @param sequence index among the run's prompts
 */
public record SequenceEdit(int sequence, Interventions interventions) {
    public static SequenceEdit of(int sequence, Intervention... interventions) {
        return new SequenceEdit(sequence, Interventions.of(interventions));
    }
}
