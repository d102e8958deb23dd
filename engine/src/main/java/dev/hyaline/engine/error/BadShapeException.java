package dev.hyaline.engine.error;

/** An array whose size does not fit what it is given for. */
public final class BadShapeException extends HyalineException {
    private static final long serialVersionUID = 1L;

    /**
     * @param what the array, as its caller knows it
     * @param expected its shape or size as it should be, such as {@code [7, 768]}
     * @param found what it is
     */
    public BadShapeException(String what, String expected, String found) {
        super(what + ": expected " + expected + ", found " + found);
    }
}
