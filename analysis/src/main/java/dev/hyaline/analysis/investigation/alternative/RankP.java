package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.TestedClaim;
import java.util.Arrays;

/** The rank of a value among those of controls. */
final class RankP {
    /** Its name in a finding. */
    static final String QUANTITY = "rank p";

    /** Values that differ by so much of their size are equal. */
    private static final double EQUAL = 1e-12;

    private RankP() {}

    /** The controls that are at least as large. */
    static long count(double observed, double[] controls) {
        return Arrays.stream(controls)
                .filter(control -> control >= observed - EQUAL * (Math.abs(observed) + Math.abs(control)))
                .count();
    }

    /**
     * Excludes an alternative by the rank of what is claimed.
     *
     * @param largest the rank p that excludes it
     * @param what the controls are and do, after "so many of"
     */
    static AlternativeFinding decide(
            Alternative alternative, TestedClaim claim, double largest, double[] controls, String what) {
        double p = of(claim.mean(), controls);
        return AlternativeFinding.decided(
                alternative,
                claim,
                p <= largest,
                QUANTITY,
                p,
                largest,
                controls,
                count(claim.mean(), controls) + " of " + what);
    }

    /** The share of the controls and the observed that are at least as large: (1 + count) / (controls + 1). */
    static double of(double observed, double[] controls) {
        return (1.0 + count(observed, controls)) / (controls.length + 1);
    }
}
