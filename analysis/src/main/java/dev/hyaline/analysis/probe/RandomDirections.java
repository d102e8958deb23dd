package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;

/**
 * The rule by which a model uses a direction. An edit of the direction is made beside edits of random directions of the
 * same length, and counts if two things hold:
 *
 * <ul>
 *   <li>it does more than the average random direction, over prompts: the adjusted p of the table stands out and the
 *       effect is above 0;
 *   <li>few random directions do as much: at most {@value #AS_MUCH} of them, the direction itself counted as one. This
 *       is the p of a rank test over directions.
 * </ul>
 *
 * <p>The first alone would call a direction used that happens to lie near what the model uses, as some random ones do.
 * With {@value #MIN_COUNT} random directions none may do as much; with 39 one may, so that one that happens to act does
 * not hide the direction.
 */
public final class RandomDirections {
    /** The largest share of the random directions that may do as much, the tested direction counted as one. */
    public static final double AS_MUCH = 0.05;

    /** The fewest random directions of which one direction can stand out. */
    public static final int MIN_COUNT = 19;

    /** The most random directions. */
    public static final int MAX_COUNT = 1000;

    /** The number of random directions unless told otherwise: one may do as much. */
    public static final int COUNT = 39;

    private RandomDirections() {}

    /**
     * Checks a number of random directions.
     *
     * @throws BadInputException if it is less than {@link #MIN_COUNT} or more than {@link #MAX_COUNT}
     */
    public static int require(int count) {
        if (count < MIN_COUNT || count > MAX_COUNT) {
            throw new BadInputException("an edited direction is compared with " + MIN_COUNT + " to " + MAX_COUNT
                    + " random ones, found " + count);
        }
        return count;
    }

    /**
     * The share of directions that do as much as the tested one, which counts as one of them: {@code (1 + those whose
     * effect is at least its) / (1 + random directions)}.
     */
    public static double asMuch(double effect, double[] random) {
        long reached = Arrays.stream(random).filter(other -> !(other < effect)).count();
        return (reached + 1) / (random.length + 1.0);
    }

    /**
     * Returns whether an edit counts.
     *
     * @param effects a table whose values are compared with the mean of the random directions
     * @param asMuch of the cell, as {@link #asMuch(double, double[])} has it
     * @throws BadInputException if the table has no such cell
     */
    public static boolean isUsed(ResultTable effects, int cell, double asMuch) {
        effects.index(cell);
        return asMuch <= AS_MUCH
                && effects.statistics()
                        .effect(cell)
                        .filter(effect -> effect.standsOut() && effect.estimate() > 0)
                        .isPresent();
    }
}
