package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;

/** Recorded values by point and sequence, fetched when first needed and kept. */
final class RecordedTensors implements ActivationSource {
    /**
     * A point's values in one sequence.
     *
     * @param positions held, ascending
     * @param values {@code [positions, ...]}, or {@code [nHeads, positions, length]} for attention maps
     */
    record Block(int[] positions, float[] values) {}

    private record Key(HookPoint point, int sequence) {}

    private final int[] lengths;
    private final int layers;
    private final BiFunction<HookPoint, Integer, Optional<Block>> source;
    private final Optional<Path> dump;
    private final Map<Key, Optional<Block>> blocks = new ConcurrentHashMap<>();

    /** @param dump the folder they come from, if they do */
    RecordedTensors(
            int[] lengths, int layers, BiFunction<HookPoint, Integer, Optional<Block>> source, Optional<Path> dump) {
        this.lengths = lengths;
        this.layers = layers;
        this.source = source;
        this.dump = dump;
    }

    static RecordedTensors ofCache(ActivationCache cache) {
        cache.capture().requireWholePoints("an intervention that reads a cache");
        int[] lengths = new int[cache.sequences()];
        Arrays.setAll(lengths, cache::length);
        return new RecordedTensors(
                lengths,
                cache.weights().config().nLayers(),
                (point, sequence) -> cache.points().contains(point)
                        ? Optional.of(new Block(cache.positions(sequence), cache.values(point, sequence)))
                        : Optional.empty(),
                Optional.empty());
    }

    Optional<Path> dump() {
        return dump;
    }

    /** Layers of the model that ran, as far as values are held. */
    int layers() {
        return layers;
    }

    /** A point's values in a sequence, if any are held. */
    Optional<Block> block(HookPoint point, int sequence) {
        return blocks.computeIfAbsent(new Key(point, sequence), key -> source.apply(key.point, key.sequence));
    }

    @Override
    public int sequences() {
        return lengths.length;
    }

    @Override
    public int length(int sequence) {
        return lengths[sequence];
    }

    @Override
    public boolean holds(HookPoint point, int sequence, int position) {
        return block(point, sequence)
                .filter(block -> Arrays.binarySearch(block.positions(), position) >= 0)
                .isPresent();
    }

    @Override
    public void read(Slot place, float[] out) {
        if (!holds(place.point(), place.sequence(), place.position())) {
            throw new BadInputException(place.point() + " was not recorded at position " + place.position());
        }
        Block block = block(place.point(), place.sequence()).orElseThrow();
        int row = Arrays.binarySearch(block.positions(), place.position());
        int head = Math.max(0, place.head());
        int rows = block.positions().length;
        int at = place.point().site().isMap()
                ? (head * rows + row) * lengths[place.sequence()]
                : row * (block.values().length / rows) + head * out.length;
        if (at + out.length > block.values().length) {
            throw new BadInputException("the recorded " + place.point() + " is of a model of another shape");
        }
        System.arraycopy(block.values(), at, out, 0, out.length);
    }
}
