package dev.hyaline.engine.error;

import java.util.ArrayList;
import java.util.List;

/** Tokens, positions or options that the model cannot take: an empty prompt, a token outside the vocabulary. */
public final class BadInputException extends HyalineException {
    private static final long serialVersionUID = 1L;
    private static final int MAX_TOLD = 20;

    private final ArrayList<String> sentences;

    public BadInputException(String message) {
        this(List.of(message));
    }

    private BadInputException(List<String> sentences) {
        super(String.join("\n", sentences));
        this.sentences = new ArrayList<>(sentences);
    }

    /**
     * Several faults of one input, such as those of a file, each on a line of the message; of many, the first 20 and
     * the number of the others.
     *
     * @param faults a sentence each
     * @throws IllegalArgumentException if there are none
     */
    public static BadInputException of(List<String> faults) {
        if (faults.isEmpty()) {
            throw new IllegalArgumentException("there is no fault");
        }
        List<String> told = new ArrayList<>(faults.subList(0, Math.min(faults.size(), MAX_TOLD)));
        if (faults.size() > MAX_TOLD) {
            told.add("and " + (faults.size() - MAX_TOLD) + " more");
        }
        return new BadInputException(told);
    }

    /** The lines of the message: one, but of several faults one for each. */
    public List<String> sentences() {
        return List.copyOf(sentences);
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
