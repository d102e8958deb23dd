package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import java.io.InputStream;

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
    static void requireAtLeast(String option, int least, int value) {
        if (value < least) {
            throw new BadInputException(option + " must be at least " + least + ", found " + value);
        }
    }
}
