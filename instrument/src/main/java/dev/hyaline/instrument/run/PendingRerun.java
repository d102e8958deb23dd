package dev.hyaline.instrument.run;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import dev.hyaline.instrument.internal.edit.SlotAccess;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** One edit of a run: what it asks for, and from where on it must be recomputed to answer. */
final class PendingRerun {
    private final BaseRun run;
    private final int edit;
    private final int sequence;
    private final List<BoundEdit> placements;
    private final int[] positions;
    /** Token ids, or null for all. */
    private final int[] columns;

    private final Optional<Capture> reading;
    private final Map<HookPoint, float[]> values = new LinkedHashMap<>();
    private RestartPoint cut;
    private int first;

    static PendingRerun of(
            BaseRun run, int edit, SequenceEdit asked, LogitSelection logits, Optional<Capture> reading) {
        run.requireSequence(asked.sequence());
        int sequence = asked.sequence();
        int length = run.length(sequence);
        BoundEdits.requireActsOn(asked.interventions(), sequence, run.sequences());
        List<BoundEdit> placements =
                BoundEdits.bind(asked.interventions(), run.config(), run.sequences(), sequence, length, length);
        return new PendingRerun(run, edit, sequence, placements, logits, reading);
    }

    PendingRerun(
            BaseRun run,
            int edit,
            int sequence,
            List<BoundEdit> placements,
            LogitSelection logits,
            Optional<Capture> reading) {
        this.run = run;
        this.edit = edit;
        this.sequence = sequence;
        this.reading = reading;
        this.placements = placements;
        this.positions = positions(logits, length());
        this.columns = logits.columns().orElse(null);
        this.first = length();
        placements.forEach(this::include);
        reading.ifPresent(this::include);
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

    /**
     * Recomputes from the first value on that the placement changes in the base run. What changes nothing there is not
     * run.
     */
    private void include(BoundEdit placement) {
        int change = placement.positions()[0];
        if (run.holds(placement.point().site()) && !(placement.intervention() instanceof Intervention.Custom)) {
            BaseSlots base = new BaseSlots(run, placement, first);
            placement.apply(base);
            change = base.firstChange;
        }
        if (change < first) {
            first = change;
            cut = cut == null ? RestartPoint.before(placement.point()) : cut;
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
                cut = cut == null || reaching.compareTo(cut) < 0 ? reaching : cut;
                first = Math.min(first, capture.positions(length())[0]);
            }
        }
    }

    int edit() {
        return edit;
    }

    int sequence() {
        return sequence;
    }

    int length() {
        return run.length(sequence);
    }

    /** Where to begin; null if there is nothing to recompute. */
    RestartPoint cut() {
        return cut;
    }

    /** The first position to recompute. */
    int first() {
        return first;
    }

    int rows() {
        return length() - first;
    }

    List<BoundEdit> placements() {
        return placements;
    }

    int[] positions() {
        return positions;
    }

    int[] columns() {
        return columns;
    }

    Optional<Capture> reading() {
        return reading;
    }

    boolean writesLogits() {
        return !placements.isEmpty() && placements.getLast().point().site() == Site.UNEMBED_OUT;
    }

    /** Room for a point's values, filled with what the base run has where it has any. */
    float[] values(HookPoint point) {
        return values.computeIfAbsent(point, this::baseValues);
    }

    private float[] baseValues(HookPoint point) {
        Capture capture = reading.orElseThrow();
        int[] chosen = capture.positions(length());
        int size = capture.shape(run.config(), point.site(), length()).stream().reduce(1, Math::multiplyExact);
        float[] all = new float[size];
        if (run.holds(point.site())) {
            int d = run.config().dModel();
            float[] rows = run.rows(point, sequence);
            int copies = size / chosen.length / d; // head inputs: one a head
            for (int i = 0; i < chosen.length * copies; i++) {
                System.arraycopy(rows, chosen[i / copies] * d, all, i * d, d);
            }
        }
        return all;
    }

    RerunResult result(int columnCount, float[] logits, MultiplyAdds work) {
        reading.ifPresent(capture -> capture.points().forEach(this::values));
        return new RerunResult(edit, sequence, positions.clone(), columnCount, logits, values, work);
    }

    /** Tries a placement on the values of the base run and notes the first position whose values it changes. */
    private static final class BaseSlots implements SlotAccess {
        private final BaseRun run;
        private final BoundEdit placement;
        private int firstChange;

        BaseSlots(BaseRun run, BoundEdit placement, int limit) {
            this.run = run;
            this.placement = placement;
            this.firstChange = limit;
        }

        @Override
        public boolean has(int position) {
            return position < firstChange;
        }

        @Override
        public void read(int position, int head, float[] out) {
            run.read(new Slot(placement.point(), placement.sequence(), position, head), out);
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
