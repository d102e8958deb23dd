package dev.hyaline.instrument.hook;

import dev.hyaline.engine.site.HookPoint;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A function on the live values of hook points: TransformerLens's {@code (name, fn)} in {@code fwd_hooks}.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="hook"}
 *
 * <p>The function is called once for each point and pass, in the order in which the pass reaches them, on the thread
 * that called the pass. Immutable.
 */
public final class Hook {
    private final String points;
    private final boolean edits;
    private final Consumer<ActivationView> function;

    private Hook(String points, boolean edits, Consumer<ActivationView> function) {
        this.points = Objects.requireNonNull(points, "points");
        this.edits = edits;
        this.function = Objects.requireNonNull(function, "function");
    }

    /**
     * A hook that reads.
     *
     * @param points a name or pattern as in {@link dev.hyaline.instrument.HookPoints}
     * @param function may not write; what it keeps it copies
     */
    public static Hook reading(String points, Consumer<ActivationView> function) {
        return new Hook(points, false, function);
    }

    /** As {@link #reading(String, Consumer)}, at one point. */
    public static Hook reading(HookPoint point, Consumer<ActivationView> function) {
        return reading(point.name(), function);
    }

    /**
     * A hook that may change what it is shown; the pass goes on with what it leaves.
     *
     * @param points a name or pattern as in {@link dev.hyaline.instrument.HookPoints}
     */
    public static Hook editing(String points, Consumer<ActivationView> function) {
        return new Hook(points, true, function);
    }

    /** As {@link #editing(String, Consumer)}, at one point. */
    public static Hook editing(HookPoint point, Consumer<ActivationView> function) {
        return editing(point.name(), function);
    }

    /** The name or pattern of its hook points. */
    public String points() {
        return points;
    }

    /** Returns whether it may change values. */
    public boolean edits() {
        return edits;
    }

    void call(ActivationView view) {
        function.accept(view);
    }

    @Override
    public String toString() {
        return (edits ? "editing " : "reading ") + points;
    }
}
