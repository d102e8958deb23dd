package dev.hyaline.weights.hub;

import dev.hyaline.engine.error.HyalineException;

/** A model of the hub that cannot be had. */
public final class HubException extends HyalineException {
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    /** What stands in the way, for a caller that can do something about it. */
    public enum Reason {
        /** The hub knows no such repository, revision or file, or does not admit to it. */
        NOT_FOUND,
        /** The hub asks for a token, or for one with more rights. */
        NOT_ALLOWED,
        /** No server answers, or not in time, or only with failures of its own. */
        UNREACHABLE,
        /** Nothing may be downloaded, and the cache has it not. */
        OFFLINE,
        /** What the server sent is not what it announced, or not what a hub sends. */
        BROKEN_ANSWER,
        /** The repository holds no model that could be read. */
        NO_MODEL,
        /** The cache cannot be read or written, or its disk is full. */
        CACHE,
        /** A setting, such as an environment variable, has a value it cannot have. */
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
