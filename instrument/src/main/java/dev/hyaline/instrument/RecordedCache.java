package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A cache as interventions read it. */
final class RecordedCache implements Recorded {
    private record Key(HookPoint point, int sequence) {}

    private final ActivationCache cache;
    private final Map<Key, float[]> values = new ConcurrentHashMap<>();
    private final int[][] positions;

    RecordedCache(ActivationCache cache) {
        this.cache = cache;
        cache.capture().requireWholePoints("an intervention that reads a cache");
        positions = new int[cache.sequences()][];
        for (int s = 0; s < positions.length; s++) {
            positions[s] = cache.rows().positions(s);
        }
    }

    @Override
    public int sequences() {
        return cache.sequences();
    }

    @Override
    public int length(int sequence) {
        return cache.rows().length(sequence);
    }

    @Override
    public boolean holds(HookPoint point, int sequence, int position) {
        return cache.points().contains(point) && Arrays.binarySearch(positions[sequence], position) >= 0;
    }

    @Override
    public void read(Place place, float[] out) {
        int s = place.sequence();
        int row = Arrays.binarySearch(positions[s], place.position());
        if (row < 0) {
            throw new BadInputException(place.point() + " was not recorded at position " + place.position());
        }
        float[] all =
                values.computeIfAbsent(new Key(place.point(), s), key -> cache.values(key.point(), key.sequence()));
        int head = Math.max(0, place.head());
        int at;
        if (Placement.isMap(place.point())) {
            at = (head * positions[s].length + row) * cache.rows().length(s);
        } else {
            at = row * (all.length / positions[s].length) + head * out.length;
        }
        System.arraycopy(all, at, out, 0, out.length);
    }
}
