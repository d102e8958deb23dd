package dev.hyaline.instrument.run;

import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import dev.hyaline.instrument.internal.edit.SlotAccess;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** One edit of a run, bound to it: what it asks for, and from where on the run must be recomputed to answer. */
final class PendingRerun {
    /** Those without a restart point first, then from the earliest to the latest. */
    static final Comparator<PendingRerun> BY_RESTART =
            Comparator.comparing(rerun -> rerun.restart, Comparator.nullsFirst(Comparator.naturalOrder()));

    private final BaseRun run;
    private final int index;
    private final int sequence;
    private final List<BoundEdit> edits;
    private final int[] positions;
    /** Token ids; empty for the whole vocabulary. */
    private final int[] columns;

    /** Nothing is read where there is none. */
    private final @Nullable Capture reading;

    private final Map<HookPoint, float[]> values = new LinkedHashMap<>();
    /** There as soon as there is something to recompute. */
    private @Nullable RestartPoint restart;

    private int first;

    /**
     * Binds an edit and tries it on the base run.
     *
     * @param index of the edit among those of the rerun
     */
    static PendingRerun of(
            BaseRun run, int index, SequenceEdit edit, LogitSelection logits, @Nullable Capture reading) {
        int sequence = edit.sequence();
        int length = run.length(sequence);
        BoundEdits.requireActsOn(edit.interventions(), sequence, run.sequences());
        List<BoundEdit> edits =
                BoundEdits.bind(edit.interventions(), run.config(), run.sequences(), sequence, length, length);
        return new PendingRerun(run, index, sequence, edits, logits, reading);
    }

    PendingRerun(
            BaseRun run,
            int index,
            int sequence,
            List<BoundEdit> edits,
            LogitSelection logits,
            @Nullable Capture reading) {
        this.run = run;
        this.index = index;
        this.sequence = sequence;
        this.edits = edits;
        this.reading = reading;
        this.positions = positions(logits, length());
        this.columns = logits.columns().orElse(new int[0]);
        this.first = length();
        edits.forEach(this::include);
        if (reading != null) {
            include(reading);
        }
    }

    private static int[] positions(LogitSelection logits, int length) {
        return switch (logits.rows()) {
            case NONE -> new int[0];
            case ALL -> IntStream.range(0, length).toArray();
            case LAST -> new int[] {length - 1};
            case CHOSEN -> {
                int[] chosen = logits.chosenRows();
                if (chosen.length > 0 && (chosen[0] < 0 || chosen[chosen.length - 1] >= length)) {
                    throw new BadInputException(
                            "logit positions must be from 0 to " + (length - 1) + ", found " + Arrays.toString(chosen));
                }
                yield chosen;
            }
        };
    }

    /** Recomputes from the first value on that an edit changes in the base run, if it changes any. */
    private void include(BoundEdit edit) {
        int change = edit.positions()[0];
        if (run.holds(edit.point().site()) && !(edit.intervention() instanceof Intervention.Custom)) {
            BaseSlots base = new BaseSlots(run, edit, first);
            edit.apply(base);
            change = base.firstChange;
        }
        if (change < first) {
            first = change;
            restart = restart == null ? RestartPoint.before(edit.point()) : restart;
        }
    }

    /** Recomputes what is to be read and follows from nothing that is kept. */
    private void include(Capture capture) {
        for (HookPoint point : capture.points()) {
            if (point.site() == Site.UNEMBED_OUT) {
                throw new BadInputException("logits are not read as " + point + "; select them instead");
            }
            if (!run.holds(point.site())) {
                RestartPoint reaching = RestartPoint.before(point);
                restart = restart == null || reaching.compareTo(restart) < 0 ? reaching : restart;
                first = Math.min(first, capture.positions(length())[0]);
            }
        }
    }

    int sequence() {
        return sequence;
    }

    int length() {
        return run.length(sequence);
    }

    /** Returns whether the base run has all that is asked for. */
    boolean isUnchanged() {
        return restart == null;
    }

    /** The point to begin at, where there is something to recompute. */
    RestartPoint restart() {
        return Objects.requireNonNull(restart);
    }

    /** The first position to recompute. */
    int first() {
        return first;
    }

    int rows() {
        return length() - first;
    }

    List<BoundEdit> edits() {
        return edits;
    }

    int[] positions() {
        return positions;
    }

    /** Token ids of the columns; empty for the whole vocabulary. */
    int[] columns() {
        return columns;
    }

    int columnCount() {
        return columns.length == 0 ? run.config().dVocab() : columns.length;
    }

    Optional<Capture> reading() {
        return Optional.ofNullable(reading);
    }

    boolean writesLogits() {
        return !edits.isEmpty() && edits.getLast().point().site() == Site.UNEMBED_OUT;
    }

    /** The array for a point's values, filled with those of the base run where it holds the point. */
    float[] values(HookPoint point) {
        return values.computeIfAbsent(point, this::baseValues);
    }

    private float[] baseValues(HookPoint point) {
        Capture capture = Objects.requireNonNull(reading);
        int[] chosen = capture.positions(length());
        int size = capture.shape(run.config(), point.site(), length()).stream().reduce(1, Math::multiplyExact);
        float[] all = new float[size];
        if (run.holds(point.site())) {
            int d = run.config().dModel();
            float[] rows = run.rows(point, sequence);
            int copies = size / chosen.length / d; // head inputs: one per head
            for (int i = 0; i < chosen.length * copies; i++) {
                System.arraycopy(rows, chosen[i / copies] * d, all, i * d, d);
            }
        }
        return all;
    }

    RerunResult result(float[] logits, MultiplyAdds work) {
        if (reading != null) {
            reading.points().forEach(this::values);
        }
        return new RerunResult(index, sequence, positions.clone(), columnCount(), logits, values, work);
    }

    /** Tries an edit on the values of the base run and notes the first position whose values it changes. */
    private static final class BaseSlots implements SlotAccess {
        private final BaseRun run;
        private final BoundEdit edit;
        private int firstChange;

        BaseSlots(BaseRun run, BoundEdit edit, int limit) {
            this.run = run;
            this.edit = edit;
            this.firstChange = limit;
        }

        @Override
        public boolean has(int position) {
            return position < firstChange;
        }

        @Override
        public void read(int position, int head, float[] out) {
            run.read(new Slot(edit.point(), edit.sequence(), position, head), out);
        }

        @Override
        public void write(int position, int head, float[] in) {
            float[] base = new float[in.length];
            read(position, head, base);
            if (!Arrays.equals(base, in)) {
                firstChange = position;
            }
        }
    }
}
