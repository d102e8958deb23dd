package dev.hyaline.engine.error;

import org.jspecify.annotations.Nullable;

/** Root of every failure Hyaline reports; its message is one sentence a user can act on. */
public class HyalineException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public HyalineException(String message) {
        super(message);
    }

    public HyalineException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
