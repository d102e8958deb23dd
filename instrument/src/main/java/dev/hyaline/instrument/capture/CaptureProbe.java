package dev.hyaline.instrument.capture;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.internal.AwaitedPoints;
import dev.hyaline.instrument.internal.ChosenValues;
import dev.hyaline.instrument.internal.ColumnRange;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Reads the chosen points and positions of one pass and passes them on; changes nothing. */
final class CaptureProbe implements Probe {
    private final AwaitedPoints points;
    /** For each sequence of the pass, its chosen positions. */
    private final List<int[]> positions;

    private final int nHeads;
    private final int[] heads;
    private final Map<Site, List<ColumnRange>> columns = new EnumMap<>(Site.class);
    private final int firstSequence;
    private final CaptureListener listener;

    /**
     * Watches one pass.
     *
     * @param positions the chosen ones of each of the pass's sequences, ascending
     * @param firstSequence index of the pass's first sequence for the listener
     */
    CaptureProbe(
            Capture capture, Gpt2Config config, List<int[]> positions, int firstSequence, CaptureListener listener) {
        this.points = new AwaitedPoints(capture.points());
        this.positions = positions;
        this.nHeads = config.nHeads();
        this.heads = capture.heads(config);
        for (HookPoint point : capture.points()) {
            columns.computeIfAbsent(
                    point.site(), site -> ColumnRange.of(config, site, capture.heads(), capture.neurons()));
        }
        this.firstSequence = firstSequence;
        this.listener = listener;
    }

    @Override
    public boolean wants(HookPoint point) {
        return points.wants(point);
    }

    @Override
    public boolean reads(HookPoint point, int sequence, int position) {
        return Arrays.binarySearch(positions.get(sequence), position) >= 0;
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        points.reached(point);
        for (int s = 0; s < activation.sequences(); s++) {
            if (point.site().isMap()) {
                attention(point, activation, s);
            } else {
                rows(point, activation, s);
            }
        }
    }

    /**
     * Checks, after the pass, that it reached every point.
     *
     * @throws HyalineException naming those that it did not
     */
    void requireAllFired() {
        points.requireAllReached();
    }

    /** Values {@code [rows, width]}. */
    private void rows(HookPoint point, Activation activation, int sequence) {
        ChosenValues.pass(
                activation.values(),
                activation.offset(sequence),
                activation.width(),
                chosenRows(point, activation, sequence),
                Objects.requireNonNull(columns.get(point.site())),
                listenerOf(point, sequence));
    }

    /** Values {@code [nHeads, queries, keys]}; the last query is the last key. */
    private void attention(HookPoint point, Activation activation, int sequence) {
        int[] rows = chosenRows(point, activation, sequence);
        int keys = activation.keys(sequence);
        int queries = activation.firstRow(sequence + 1) - activation.firstRow(sequence);
        int start = activation.offset(sequence);
        ChosenValues.Sink<RuntimeException> sink = listenerOf(point, sequence);
        if (heads.length == nHeads && rows.length == queries) {
            sink.take(activation.values(), start, activation.size(sequence));
            return;
        }
        for (int head : heads) {
            ChosenValues.pass(activation.values(), start + head * queries * keys, keys, rows, List.of(), sink);
        }
    }

    private ChosenValues.Sink<RuntimeException> listenerOf(HookPoint point, int sequence) {
        return (values, offset, length) -> listener.captured(point, firstSequence + sequence, values, offset, length);
    }

    /** The rows of the chosen positions among those that an activation holds of a sequence. */
    private int[] chosenRows(HookPoint point, Activation activation, int sequence) {
        int[] chosen = positions.get(sequence);
        int first = activation.firstRow(sequence);
        int end = activation.firstRow(sequence + 1);
        int[] rows = new int[chosen.length];
        int row = first;
        for (int i = 0; i < chosen.length; i++) {
            while (row < end && activation.position(row) < chosen[i]) {
                row++;
            }
            if (row == end || activation.position(row) != chosen[i]) {
                throw new HyalineException("the pass holds no " + point + " at position " + chosen[i]);
            }
            rows[i] = row - first;
        }
        return rows;
    }
}
