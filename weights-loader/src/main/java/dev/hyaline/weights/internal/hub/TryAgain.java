package dev.hyaline.weights.internal.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A failure that may pass: a connection, or a server that is busy or broken for the moment. */
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

    /** As {@link #later(String)}, keeping the failure that showed it. */
    static TryAgain later(String why, Throwable cause) {
        return new TryAgain(why, false, null, cause);
    }

    /** A server that says itself how long to wait. */
    static TryAgain after(Duration wait, String why) {
        return new TryAgain(why, false, wait, null);
    }

    /** A connection that will not do better in a moment: there is no network, no such host, no trust. */
    static TryAgain hopeless(String why, Throwable cause) {
        return new TryAgain(why, true, null, cause);
    }

    boolean isHopeless() {
        return hopeless;
    }

    /** How long the server wants to be left alone; empty where it does not say. */
    Optional<Duration> pause() {
        return Optional.ofNullable(wait);
    }
}
