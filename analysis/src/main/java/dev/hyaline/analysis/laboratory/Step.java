package dev.hyaline.analysis.laboratory;

/**
 * A step of a study, which may be joined with others: {@code discover.then(testCausally).then(testRobustness)}.
 *
 * @param <I> what it is given
 * @param <O> what it finds
 */
@FunctionalInterface
public interface Step<I, O> {
    /** Does the work. */
    O run(I input, PhaseRun run);

    /** This step, and another of what it finds. */
    default <P> Step<I, P> then(Step<? super O, ? extends P> next) {
        return (input, run) -> next.run(run(input, run), run);
    }
}
