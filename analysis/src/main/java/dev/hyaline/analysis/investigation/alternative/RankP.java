package dev.hyaline.analysis.investigation.alternative;

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

    /** The share of the controls and the observed that are at least as large: (1 + count) / (controls + 1). */
    static double of(double observed, double[] controls) {
        return (1.0 + count(observed, controls)) / (controls.length + 1);
    }
}
