package dev.hyaline.engine;

/** Tokens, positions or options that the model cannot take: an empty prompt, a token outside the vocabulary. */
public final class BadInputException extends HyalineException {
    private static final long serialVersionUID = 1L;

    public BadInputException(String message) {
        super(message);
    }
}
