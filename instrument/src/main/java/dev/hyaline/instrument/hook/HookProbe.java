package dev.hyaline.instrument.hook;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Calls hooks in the passes it is given to. For one thread at a time. */
public final class HookProbe implements Probe {
    private final Gpt2Config config;
    private final boolean inOrder;
    private final Map<HookPoint, List<Hook>> hooks = new TreeMap<>();
    private final TreeSet<HookPoint> waiting = new TreeSet<>();

    HookProbe(Gpt2Config config, boolean inOrder) {
        this.config = config;
        this.inOrder = inOrder;
    }

    void add(Hook hook, List<HookPoint> points) {
        for (HookPoint point : points) {
            hooks.computeIfAbsent(point, at -> new ArrayList<>()).add(hook);
        }
        waiting.addAll(points);
    }

    @Override
    public boolean wants(HookPoint point) {
        return hooks.containsKey(point);
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        List<Hook> here = hooks.getOrDefault(point, List.of());
        boolean mayConflict = !inOrder && here.stream().filter(Hook::edits).count() > 1;
        Writes writes = new Writes(point, mayConflict);
        for (Hook hook : here) {
            writes.by(hook);
            ActivationView view = new ActivationView(config, point, activation, hook, writes);
            try {
                hook.call(view);
            } finally {
                view.end();
            }
        }
        waiting.remove(point);
    }

    /**
     * For after the last pass.
     *
     * @throws HyalineException if a hook was not called at one of its points
     */
    public void requireAllFired() {
        if (!waiting.isEmpty()) {
            throw new HyalineException("these hooks never fired: "
                    + waiting.stream()
                            .map(point -> point + " ("
                                    + hooks.getOrDefault(point, List.of()).getFirst() + ")")
                            .toList()
                    + "; the pass did not reach them, or formed no logits");
        }
    }
}
