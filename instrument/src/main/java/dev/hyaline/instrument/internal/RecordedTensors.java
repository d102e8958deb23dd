package dev.hyaline.instrument.internal;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Recorded values by point and sequence, fetched when first needed and kept. */
public final class RecordedTensors implements ActivationSource {
    private static final int[] NONE = {};

    private record Key(HookPoint point, int sequence) {}

    private final int[] lengths;
    private final int layers;
    private final BiFunction<HookPoint, Integer, Optional<Block>> source;
    private final @Nullable Path dump;
    private final Map<Key, Optional<Block>> blocks = new ConcurrentHashMap<>();

    /** Values that come from no dump. */
    public RecordedTensors(int[] lengths, int layers, BiFunction<HookPoint, Integer, Optional<Block>> source) {
        this(lengths, layers, source, null);
    }

    /** @param dump the folder they come from */
    public RecordedTensors(
            int[] lengths, int layers, BiFunction<HookPoint, Integer, Optional<Block>> source, @Nullable Path dump) {
        this.lengths = lengths;
        this.layers = layers;
        this.source = source;
        this.dump = dump;
    }

    @Override
    public Optional<Path> dump() {
        return Optional.ofNullable(dump);
    }

    @Override
    public OptionalInt layers() {
        return OptionalInt.of(layers);
    }

    @Override
    public Optional<Block> block(HookPoint point, int sequence) {
        checked(sequence);
        return blocks.computeIfAbsent(new Key(point, sequence), key -> source.apply(key.point, key.sequence));
    }

    @Override
    public int sequences() {
        return lengths.length;
    }

    @Override
    public int length(int sequence) {
        return lengths[checked(sequence)];
    }

    @Override
    public int[] positions(HookPoint point, int sequence) {
        return block(point, sequence).map(Block::positions).orElse(NONE);
    }

    @Override
    public boolean holds(HookPoint point, int sequence, int position) {
        return sequence >= 0
                && sequence < sequences()
                && Arrays.binarySearch(positions(point, sequence), position) >= 0;
    }

    private int checked(int sequence) {
        return BadInputException.requireIndex("sequence", sequence, sequences());
    }

    @Override
    public void read(Slot slot, float[] out) {
        int row = Arrays.binarySearch(positions(slot.point(), slot.sequence()), slot.position());
        if (row < 0) {
            throw new BadInputException(slot.point() + " was not recorded at position " + slot.position());
        }
        Block block = block(slot.point(), slot.sequence()).orElseThrow();
        long head = Math.max(0, slot.head());
        long rows = block.positions().length;
        long at = slot.point().site().isMap()
                ? (head * rows + row) * lengths[slot.sequence()]
                : row * (block.values().length / rows) + head * out.length;
        if (at + out.length > block.values().length) {
            throw new BadInputException((dump == null ? "" : dump + ": ") + "the recorded " + slot.point()
                    + " is of a model of another shape");
        }
        System.arraycopy(block.values(), (int) at, out, 0, out.length);
    }
}
