package dev.hyaline.instrument.run;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.capture.Capture;
import java.util.Arrays;
import java.util.Map;

/** The result of one edit of a run. The arrays belong to the receiver. */
public final class RerunResult {
    private final int edit;
    private final int sequence;
    private final int[] positions;
    private final int columns;
    private final float[] logits;
    private final Map<HookPoint, float[]> values;
    private final MultiplyAdds work;

    RerunResult(
            int edit,
            int sequence,
            int[] positions,
            int columns,
            float[] logits,
            Map<HookPoint, float[]> values,
            MultiplyAdds work) {
        this.edit = edit;
        this.sequence = sequence;
        this.positions = positions;
        this.columns = columns;
        this.logits = logits;
        this.values = values;
        this.work = work;
    }

    /** Index of the edit. */
    public int edit() {
        return edit;
    }

    /** Index of the sequence it acted on. */
    public int sequence() {
        return sequence;
    }

    /** Positions whose logits were asked for, ascending. */
    public int[] positions() {
        return positions;
    }

    /** Logits per position. */
    public int columns() {
        return columns;
    }

    /** {@code [positions, columns]}, row-major. */
    public float[] logits() {
        return logits;
    }

    /** The logits of the {@code index}-th position, {@code [columns]}. */
    public float[] row(int index) {
        BadInputException.requireIndex("row", index, positions.length);
        return Arrays.copyOfRange(logits, index * columns, (index + 1) * columns);
    }

    /**
     * A point's values after the edit, in the shape of {@link Capture#shape}.
     *
     * @throws BadInputException if they were not asked for
     */
    public float[] values(HookPoint point) {
        float[] found = values.get(point);
        if (found == null) {
            throw new BadInputException(point + " was not asked for");
        }
        return found;
    }

    /**
     * The work since the result before. What edits share in a pass counts with the first of them, so that the results
     * of a rerun add up to its whole work.
     */
    public MultiplyAdds work() {
        return work;
    }

    /** What was rerun. */
    @Override
    public String toString() {
        return "edit " + edit + " of sequence " + sequence + ", logits [" + positions.length + ", " + columns + "]";
    }
}
