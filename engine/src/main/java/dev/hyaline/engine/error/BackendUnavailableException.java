package dev.hyaline.engine.error;

import org.jspecify.annotations.Nullable;

/** Kernels or a device that were asked for by name and cannot be had here. */
public final class BackendUnavailableException extends HyalineException {
    private static final long serialVersionUID = 1L;

    /**
     * @param reason what is missing, as a clause
     * @param remedy what the user can do about it, as a clause
     */
    public BackendUnavailableException(String reason, String remedy) {
        super(reason + "; " + remedy);
    }

    /** As {@link #BackendUnavailableException(String, String)}, keeping the failure that revealed it, if one did. */
    public BackendUnavailableException(String reason, String remedy, @Nullable Throwable cause) {
        super(reason + "; " + remedy, cause);
    }
}
