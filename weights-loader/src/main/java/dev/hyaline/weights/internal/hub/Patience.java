package dev.hyaline.weights.internal.hub;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubSettings;
import java.time.Duration;

/** The number of times a request is tried, and the waits between the tries. */
final class Patience {
    private static final int TRIES = 5;
    private static final Duration MAX_PAUSE = Duration.ofMinutes(2);

    private final HubSettings settings;
    private final HubListener listener;
    private final String what;
    private int failures;

    /** @param what the thing fetched, as named in errors */
    Patience(HubSettings settings, HubListener listener, String what) {
        this.settings = settings;
        this.listener = listener;
        this.what = what;
    }

    /** A request that may be tried again. */
    interface Attempt<T> {
        T run() throws TryAgain;
    }

    <T> T insist(Attempt<T> attempt) {
        while (true) {
            try {
                return attempt.run();
            } catch (TryAgain e) {
                waitAfter(e);
            }
        }
    }

    /** Counts the tries anew, after progress. */
    void renew() {
        failures = 0;
    }

    /**
     * Waits, so that the caller can try again.
     *
     * @throws HubException instead, after enough tries or if the server asks for a long pause
     */
    void waitAfter(TryAgain failure) {
        failures++;
        Duration pause = failure.pause().orElse(settings.pause().multipliedBy(1L << (failures - 1)));
        if (failure.isHopeless() || failures == TRIES || pause.compareTo(MAX_PAUSE) > 0) {
            throw worn(failure, pause);
        }
        listener.note(what + ": " + failure.getMessage() + "; trying again");
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            throw Wire.interrupted(e);
        }
    }

    private HubException worn(TryAgain failure, Duration pause) {
        String tries = failures == 1 ? "" : ", after " + failures + " tries";
        String remedy = failure.pause().isPresent()
                ? "try again in " + Wire.seconds(pause) + (settings.token() != null ? "" : ", or set HF_TOKEN")
                : failure.isHopeless()
                        ? "check the network, HF_ENDPOINT (" + settings.endpoint() + ") and https_proxy"
                        : "try again later: what has come is kept";
        HubException worn = new HubException(
                Reason.UNREACHABLE, "cannot fetch " + what + ": " + failure.getMessage() + tries + "; " + remedy);
        // The sentence holds the failure's own; only what lies under it says more.
        Throwable cause = failure.getCause();
        if (cause != null) {
            worn.initCause(cause);
        }
        return worn;
    }
}
