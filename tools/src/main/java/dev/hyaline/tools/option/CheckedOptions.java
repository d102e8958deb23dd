package dev.hyaline.tools.option;

import dev.hyaline.analysis.probe.RandomDirections;
import dev.hyaline.engine.error.BadInputException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Options that are checked before anything is downloaded, opened or run. */
public interface CheckedOptions {
    /**
     * Checks the options' values.
     *
     * @throws dev.hyaline.engine.error.HyalineException naming the option that is wrong
     */
    void check();

    /**
     * Reads and checks the files that the options name, as far as possible without a model. Called once, after
     * {@link #check} of all the command's options.
     *
     * @throws dev.hyaline.engine.error.HyalineException naming the file that is wrong
     */
    default void readInputs(InputStream standardInput) {}

    /**
     * Checks a number given to an option.
     *
     * @throws BadInputException if it is less than the least it may be
     */
    static void requireAtLeast(String option, int least, long value) {
        if (value < least) {
            throw new BadInputException(option + " must be at least " + least + ", found " + value);
        }
    }

    /**
     * Checks the number of random directions that edited ones are compared with, if it is given.
     *
     * @throws BadInputException if it is neither 0, for no edits, nor what the rule takes
     */
    static void requireRandomDirections(@Nullable Integer count) {
        if (count != null && count != 0 && (count < RandomDirections.MIN_COUNT || count > RandomDirections.MAX_COUNT)) {
            throw new BadInputException("--interventions must be 0, or from " + RandomDirections.MIN_COUNT + " to "
                    + RandomDirections.MAX_COUNT + ", found " + count);
        }
    }
}
