package dev.hyaline.analysis.statistics;

import dev.hyaline.engine.error.BadInputException;
import java.util.Optional;

/**
 * Two one-sided t tests that a mean lies within ±bound: the test of a claim of no effect. p is the larger of the two.
 * Assumes what {@link TTest} does, with the clustered standard error.
 *
 * <p>Source: Schuirmann (1987).
 *
 * @param lower against -bound: its {@code greater} side
 * @param upper against bound: its {@code less} side
 */
public record Equivalence(TTest lower, TTest upper) {

    /**
     * Tests that the mean of prompts lies within ±bound; empty without spread or with one unit.
     *
     * @throws BadInputException if there is not one finite value per prompt, or the bound is not above 0
     */
    public static Optional<Equivalence> test(double[] values, Units units, double bound) {
        if (!(bound > 0)) {
            throw new BadInputException("the bound of an equivalence test is above 0, found " + bound);
        }
        return TTest.of(values, units).map(t -> new Equivalence(t.against(-bound), t.against(bound)));
    }

    /** p of "the mean is not above -bound". */
    public double pLower() {
        return lower.p().greater();
    }

    /** p of "the mean is not below bound". */
    public double pUpper() {
        return upper.p().less();
    }

    /** The larger of the two. */
    public double p() {
        return Math.max(pLower(), pUpper());
    }
}
