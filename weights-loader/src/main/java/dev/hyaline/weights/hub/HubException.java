package dev.hyaline.weights.hub;

import dev.hyaline.engine.error.HyalineException;

/** An error for a model of the hub that cannot be obtained. */
public final class HubException extends HyalineException {
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    /** The reason, for a caller that can do something about it. */
    public enum Reason {
        /** The repository, revision or file does not exist, or the hub hides it. */
        NOT_FOUND,
        /** The hub asks for a token, or for one with more rights. */
        NOT_ALLOWED,
        /** No server answers in time, or only with server errors. */
        UNREACHABLE,
        /** The model is not in the cache, and downloads are switched off. */
        OFFLINE,
        /** The server's answer differs from its announcement, or is not an answer of a hub. */
        BROKEN_ANSWER,
        /** The repository holds no readable model. */
        NO_MODEL,
        /** The cache cannot be read or written, or its disk is full. */
        CACHE,
        /** A setting, such as an environment variable, has an invalid value. */
        SETTING
    }

    public HubException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public HubException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
