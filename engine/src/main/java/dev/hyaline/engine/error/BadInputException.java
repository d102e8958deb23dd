package dev.hyaline.engine.error;

/** Tokens, positions or options that the model cannot take: an empty prompt, a token outside the vocabulary. */
public final class BadInputException extends HyalineException {
    private static final long serialVersionUID = 1L;

    public BadInputException(String message) {
        super(message);
    }

    /**
     * Checks an index of {@code 0..size-1}.
     *
     * @param what what it counts, for the error: {@code layer}, {@code sequence}
     * @return the index
     * @throws BadInputException if it lies outside
     */
    public static int requireIndex(String what, int index, int size) {
        if (index < 0 || index >= size) {
            throw new BadInputException("there is no " + what + " " + index + ": "
                    + (size == 0 ? "there are none" : what + "s run from 0 to " + (size - 1)));
        }
        return index;
    }
}
