package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** A store of dumped activations as interventions read it, row by row. */
final class RecordedStore implements ActivationSource {
    private final ActivationStore store;
    private final @Nullable Path dump;

    RecordedStore(ActivationStore store) {
        this(store, null);
    }

    /** @param dump the folder, if the store is known by it */
    RecordedStore(ActivationStore store, @Nullable Path dump) {
        this.store = store;
        this.dump = dump;
        if (!store.heads().isAll() || !store.neurons().isAll()) {
            throw new BadInputException(PromptDump.partial(
                    name(), store.heads().toString(), store.neurons().toString()));
        }
        if (store.documents() > Integer.MAX_VALUE) {
            throw new BadInputException(name() + " has " + store.documents() + " documents, but interventions take"
                    + " values from at most " + Integer.MAX_VALUE);
        }
    }

    private String name() {
        return dump == null ? "the dump" : dump.toString();
    }

    @Override
    public Optional<Path> dump() {
        return Optional.ofNullable(dump);
    }

    @Override
    public int sequences() {
        return (int) store.documents();
    }

    /** As far as tokens of the document were kept. */
    @Override
    public int length(int sequence) {
        BadInputException.requireIndex("sequence", sequence, sequences());
        long end = store.firstRow(sequence + 1L);
        return end == store.firstRow(sequence) ? 0 : store.position(end - 1) + 1;
    }

    /** Every row is looked at, not every document that there is said to be. */
    @Override
    public int nextSequence(int from) {
        long row = store.firstRow(from);
        return row == store.rows() ? sequences() : (int) Math.min(store.document(row), sequences());
    }

    @Override
    public int[] positions(HookPoint point, int sequence) {
        BadInputException.requireIndex("sequence", sequence, sequences());
        if (!store.points().contains(point)) {
            return new int[0];
        }
        return LongStream.range(store.firstRow(sequence), store.firstRow(sequence + 1L))
                .mapToInt(store::position)
                .toArray();
    }

    @Override
    public boolean holds(HookPoint point, int sequence, int position) {
        return store.points().contains(point) && store.row(sequence, position).isPresent();
    }

    @Override
    public void read(Slot slot, float[] out) {
        OptionalLong row = store.row(slot.sequence(), slot.position());
        if (row.isEmpty() || !store.points().contains(slot.point())) {
            throw new BadInputException(name() + " holds no " + slot.point() + " at position " + slot.position()
                    + " of document " + slot.sequence());
        }
        float[] whole = new float[store.width(slot.point())];
        long at = (long) Math.max(0, slot.head()) * out.length;
        if (at + out.length > whole.length) {
            throw new BadInputException(name() + ": the recorded " + slot.point() + " is of a model of another shape");
        }
        store.read(slot.point(), row.getAsLong(), 1, whole, 0);
        System.arraycopy(whole, (int) at, out, 0, out.length);
    }
}
