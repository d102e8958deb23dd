package dev.hyaline.weights.internal.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A failure that may pass: a connection, or a server that is busy or broken for the moment. */
final class TryAgain extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean hopeless;
    private final transient Optional<Duration> wait;

    private TryAgain(String why, boolean hopeless, Optional<Duration> wait, Throwable cause) {
        super(why, cause);
        this.hopeless = hopeless;
        this.wait = wait;
    }

    /** @param why a clause that names the host */
    static TryAgain later(String why, Throwable cause) {
        return new TryAgain(why, false, Optional.empty(), cause);
    }

    /** A server that says itself how long to wait. */
    static TryAgain after(Optional<Duration> wait, String why) {
        return new TryAgain(why, false, wait, null);
    }

    /** A connection that will not do better in a moment: there is no network, no such host, no trust. */
    static TryAgain hopeless(String why, Throwable cause) {
        return new TryAgain(why, true, Optional.empty(), cause);
    }

    boolean isHopeless() {
        return hopeless;
    }

    /** How long the server wants to be left alone; empty where it does not say. */
    Optional<Duration> pause() {
        return wait;
    }
}
