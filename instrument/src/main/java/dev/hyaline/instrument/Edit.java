package dev.hyaline.instrument;

/**
 * Interventions on one sequence of a {@link Run}.
 *
 * @param sequence index among the run's prompts
 */
public record Edit(int sequence, Interventions interventions) {
    public static Edit of(int sequence, Intervention... interventions) {
        return new Edit(sequence, Interventions.of(interventions));
    }
}
