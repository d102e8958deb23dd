package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.statistics.Interval;
import java.util.Collection;
import java.util.Locale;

/** The judgement whether a finding stays the same where it should. */
public enum Verdict {
    /** The score is above 0.7, the interval's lower end at least 0.5, and no family is below that. */
    ROBUST("the finding stays under variations"),
    /** The interval's upper end is below 0.7, or a family is below 0.5. */
    FRAGILE("the interval of its score ends below " + Verdict.THRESHOLD + ", or a family of variations scores below "
            + Verdict.LEAST),
    /** Neither. */
    UNCERTAIN("its score leaves open whether the finding stays under variations");

    /** The score to exceed. */
    public static final double THRESHOLD = 0.7;

    /** The least that the interval and every family may have. */
    public static final double LEAST = 0.5;

    private final String meaning;

    Verdict(String meaning) {
        this.meaning = meaning;
    }

    /** What it says, as a clause. */
    public String meaning() {
        return meaning;
    }

    static Verdict of(double score, Interval interval, Collection<Double> families) {
        boolean low = families.stream().anyMatch(family -> family < LEAST);
        if (score > THRESHOLD && interval.low() >= LEAST && !low) {
            return ROBUST;
        }
        return interval.high() < THRESHOLD || low ? FRAGILE : UNCERTAIN;
    }

    /** In lower case. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
