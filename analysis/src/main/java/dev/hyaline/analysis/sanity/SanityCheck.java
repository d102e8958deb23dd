package dev.hyaline.analysis.sanity;

import java.util.Locale;

/**
 * The outcome of one check.
 *
 * @param figure what was measured; NaN where the check does not apply
 * @param bound what the figure is held against
 * @param words what the figure is
 */
public record SanityCheck(String name, Status status, double figure, double bound, String words) {

    /** The outcome of a check. */
    public enum Status {
        PASSED,
        FAILED,
        NOT_APPLICABLE;

        /** In lower case, with blanks. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    static SanityCheck atMost(String name, double figure, double bound, String words) {
        return new SanityCheck(name, figure <= bound ? Status.PASSED : Status.FAILED, figure, bound, words);
    }

    static SanityCheck atLeast(String name, double figure, double bound, String words) {
        return new SanityCheck(name, figure >= bound ? Status.PASSED : Status.FAILED, figure, bound, words);
    }

    static SanityCheck notApplicable(String name, String why) {
        return new SanityCheck(name, Status.NOT_APPLICABLE, Double.NaN, Double.NaN, why);
    }

    /** Returns whether the check failed. */
    public boolean failed() {
        return status == Status.FAILED;
    }
}
