package dev.hyaline.engine;

import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Copies what it sees: the values of each sequence at each wanted point, in the order of the calls. */
final class Recording implements Probe {
    private final Predicate<HookPoint> wanted;
    private final List<HookPoint> order = new ArrayList<>();
    private final Map<HookPoint, List<float[]>> values = new TreeMap<>();

    Recording(Predicate<HookPoint> wanted) {
        this.wanted = wanted;
    }

    static Recording everything() {
        return new Recording(point -> true);
    }

    @Override
    public boolean wants(HookPoint point) {
        return wanted.test(point);
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        order.add(point);
        List<float[]> bySequence = new ArrayList<>();
        for (int s = 0; s < activation.sequences(); s++) {
            int from = activation.offset(s);
            bySequence.add(Arrays.copyOfRange(activation.values(), from, from + activation.size(s)));
        }
        values.put(point, bySequence);
    }

    List<HookPoint> order() {
        return order;
    }

    Map<HookPoint, List<float[]>> values() {
        return values;
    }

    float[] of(HookPoint point, int sequence) {
        return values.get(point).get(sequence);
    }
}
