package dev.hyaline.weights.internal.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A failure that may be temporary, of a connection or of a busy or broken server. */
final class TryAgain extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean hopeless;
    private final @Nullable Duration wait;

    private TryAgain(String why, boolean hopeless, @Nullable Duration wait, @Nullable Throwable cause) {
        super(why, cause);
        this.hopeless = hopeless;
        this.wait = wait;
    }

    /** @param why a clause that names the host */
    static TryAgain later(String why) {
        return new TryAgain(why, false, null, null);
    }

    /** A failure like {@link #later(String)} with its cause. */
    static TryAgain later(String why, Throwable cause) {
        return new TryAgain(why, false, null, cause);
    }

    /** The failure of a server that says how long to wait. */
    static TryAgain after(Duration wait, String why) {
        return new TryAgain(why, false, wait, null);
    }

    /** A connection that would soon fail again: no network, no such host. */
    static TryAgain hopeless(String why) {
        return new TryAgain(why, true, null, null);
    }

    /** A failure like {@link #hopeless(String)} with its cause, such as no trust. */
    static TryAgain hopeless(String why, Throwable cause) {
        return new TryAgain(why, true, null, cause);
    }

    boolean isHopeless() {
        return hopeless;
    }

    /** The wait that the server asks for; empty if it does not say. */
    Optional<Duration> pause() {
        return Optional.ofNullable(wait);
    }
}
