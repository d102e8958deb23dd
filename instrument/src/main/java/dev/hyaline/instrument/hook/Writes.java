package dev.hyaline.instrument.hook;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The values of one point that each hook wrote, so that two that write the same are found. */
final class Writes {
    private record ByHook(Hook hook, BitSet values) {}

    private final HookPoint point;
    /** False where at most one hook writes, or a later one may write over an earlier. */
    private final boolean checked;

    private final List<ByHook> earlier = new ArrayList<>();
    /** Those of the hook that was begun last. */
    private @Nullable ByHook current;

    Writes(HookPoint point, boolean checked) {
        this.point = point;
        this.checked = checked;
    }

    /** Begins the writes of a hook. */
    void by(Hook hook) {
        if (current != null) {
            earlier.add(current);
        }
        current = new ByHook(hook, new BitSet());
    }

    /** @throws HyalineException if an earlier hook wrote one of these values */
    void add(int from, int to) {
        if (!checked) {
            return;
        }
        ByHook writing = Objects.requireNonNull(current);
        for (ByHook other : earlier) {
            int first = other.values.nextSetBit(from);
            if (first >= 0 && first < to) {
                throw new HyalineException("two hooks write the same values of " + point + ": " + other.hook + " and "
                        + writing.hook + "; let the later write over the earlier with inOrder(), or choose rows apart");
            }
        }
        writing.values.set(from, to);
    }
}
