package dev.hyaline.analysis.sparse.internal;

import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.Arrays;
import java.util.function.Consumer;

/** A probe of one hook point. */
public final class PointProbe implements Probe {
    private final HookPoint wanted;
    private final Consumer<Activation> action;
    private final boolean changes;

    private PointProbe(HookPoint wanted, Consumer<Activation> action, boolean changes) {
        this.wanted = wanted;
        this.action = action;
        this.changes = changes;
    }

    /** One that changes no value. */
    public static PointProbe reading(HookPoint point, Consumer<Activation> reader) {
        return new PointProbe(point, reader, false);
    }

    /** One that may change values in place. */
    public static PointProbe changing(HookPoint point, Consumer<Activation> change) {
        return new PointProbe(point, change, true);
    }

    /** A copy of the values of all rows. */
    public static float[] copy(Activation activation) {
        return Arrays.copyOf(activation.values(), activation.rows() * activation.width());
    }

    @Override
    public boolean wants(HookPoint point) {
        return point.equals(wanted);
    }

    @Override
    public boolean changes(HookPoint point) {
        return changes;
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        action.accept(activation);
    }
}
