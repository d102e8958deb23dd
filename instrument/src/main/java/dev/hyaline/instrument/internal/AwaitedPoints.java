package dev.hyaline.instrument.internal;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * Hook points that a pass is to reach. Without the check, one that it missed would leave a hole that nobody notices.
 */
public final class AwaitedPoints {
    private final Set<HookPoint> wanted;
    private final Set<HookPoint> missing;

    public AwaitedPoints(Collection<HookPoint> wanted) {
        this.wanted = Set.copyOf(wanted);
        this.missing = new HashSet<>(this.wanted);
    }

    public boolean wants(HookPoint point) {
        return wanted.contains(point);
    }

    /** Prepares for another pass. */
    public void begin() {
        missing.addAll(wanted);
    }

    public void reached(HookPoint point) {
        missing.remove(point);
    }

    /**
     * Checks that the pass reached every point.
     *
     * @throws HyalineException naming those that it did not
     */
    public void requireAllReached() {
        if (!missing.isEmpty()) {
            throw new HyalineException(
                    "the pass did not reach " + missing.stream().sorted().toList());
        }
    }
}
