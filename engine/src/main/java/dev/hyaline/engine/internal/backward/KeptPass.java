package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.Start;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a backward pass needs of a forward pass: the values of chosen points, and those of all points where the pass's
 * own probe changed some. It watches the forward pass, and is read only afterwards.
 */
public final class KeptPass {
    /** Of no tokens: the pass between passes. */
    static final KeptPass NONE = new KeptPass(
            new Plan(
                    Batch.EMPTY,
                    new Start.Residual(Boundary.first(), new float[0]),
                    List.of(),
                    new Plan.Output.Residual(),
                    Probe.NONE),
            Set.of());

    private final Plan plan;
    private final Set<HookPoint> chosen;
    private final Map<HookPoint, float[]> values = new HashMap<>();
    /** Points that the pass's own probe wanted. */
    private final Set<HookPoint> watched = new HashSet<>();

    private final Set<HookPoint> edited = new HashSet<>();

    /**
     * A pass to be run.
     *
     * @param chosen points to keep in any case
     */
    public KeptPass(Plan plan, Set<HookPoint> chosen) {
        this.plan = plan;
        this.chosen = Set.copyOf(chosen);
    }

    /** The plan to run: the pass's own, watched. */
    public Plan watched() {
        return new Plan(plan.batch(), plan.start(), plan.stages(), plan.output(), new Watcher());
    }

    Plan plan() {
        return plan;
    }

    /** The values at a point after all edits, or null if they were not kept. */
    float @Nullable [] at(HookPoint point) {
        return values.get(point);
    }

    /** The values at a point that every such pass keeps. */
    float[] of(HookPoint point) {
        return Objects.requireNonNull(values.get(point));
    }

    boolean isWatched(HookPoint point) {
        return watched.contains(point);
    }

    /** The points that the pass's own probe wanted. */
    Set<HookPoint> watchedPoints() {
        return Collections.unmodifiableSet(watched);
    }

    /** Returns whether the pass's own probe changed values anywhere. */
    boolean hasEdits() {
        return !edited.isEmpty();
    }

    /** Returns whether the pass's own probe changed values there. */
    boolean isEdited(HookPoint point) {
        return edited.contains(point);
    }

    /** Shows the pass's own probe all it wants, and keeps copies. */
    private final class Watcher implements Probe {
        @Override
        public boolean wants(HookPoint point) {
            if (plan.probe().wants(point)) {
                watched.add(point);
                return true;
            }
            return chosen.contains(point);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            int size = activation.offset(activation.sequences());
            boolean changed = false;
            if (watched.contains(point)) {
                float[] before = Arrays.copyOf(activation.values(), size);
                plan.probe().at(point, activation);
                changed = !Arrays.equals(before, 0, size, activation.values(), 0, size);
            }
            if (changed) {
                edited.add(point);
            }
            if (changed || chosen.contains(point)) {
                values.put(point, Arrays.copyOf(activation.values(), size));
            }
        }
    }
}
