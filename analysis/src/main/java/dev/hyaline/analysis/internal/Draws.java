package dev.hyaline.analysis.internal;

import dev.hyaline.engine.error.BadInputException;

/** How often chance may be drawn: more draws than these say nothing more, and their results would fill the memory. */
public final class Draws {
    /** Most draws of a test or an interval. */
    public static final int MAX = 1_000_000;

    private Draws() {}

    /**
     * Checks a number of draws.
     *
     * @param needed the sentence's beginning, such as {@code a bootstrap needs at least}
     * @param unit what is drawn, in the singular
     * @throws BadInputException if there are fewer than {@code least} or more than {@value #MAX}
     */
    public static void require(String needed, String unit, int least, int draws) {
        if (draws < least || draws > MAX) {
            throw new BadInputException(needed + " at least " + least + " " + unit + (least == 1 ? "" : "s")
                    + (draws < least ? "" : " and at most " + MAX) + ", found " + draws);
        }
    }
}
