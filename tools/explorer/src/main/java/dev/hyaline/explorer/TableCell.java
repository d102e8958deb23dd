package dev.hyaline.explorer;

import dev.hyaline.analysis.statistics.Interval;
import org.jspecify.annotations.Nullable;

/** A cell of a table on a page. */
public sealed interface TableCell {
    /** Words in a tone. */
    record WordCell(String text, Tone tone) implements TableCell {}

    /** A number; one that is not finite is shown as {@code -} and saved as nothing. */
    record NumberCell(double value) implements TableCell {}

    /** An interval; null where there is none. */
    record IntervalCell(@Nullable Interval interval) implements TableCell {}

    /** Words that lead to a page beside this one, or to a place on it. */
    record LinkCell(String text, String address) implements TableCell {}

    static TableCell link(String text, String address) {
        return new LinkCell(text, address);
    }

    static TableCell of(String text) {
        return new WordCell(text, Tone.PLAIN);
    }

    static TableCell of(String text, Tone tone) {
        return new WordCell(text, tone);
    }

    static TableCell of(double value) {
        return new NumberCell(value);
    }

    static TableCell of(@Nullable Interval interval) {
        return new IntervalCell(interval);
    }
}
