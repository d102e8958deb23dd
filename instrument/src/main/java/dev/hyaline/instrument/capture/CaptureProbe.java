package dev.hyaline.instrument.capture;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.internal.ColumnRange;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads the chosen points and positions of one pass and passes them on; changes nothing. */
final class CaptureProbe implements Probe {
    private final Set<HookPoint> waiting;
    private final Set<HookPoint> wanted;
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
     * @param firstSequence what the listener calls the pass's first sequence
     */
    CaptureProbe(
            Capture capture, Gpt2Config config, List<int[]> positions, int firstSequence, CaptureListener listener) {
        this.wanted = Set.copyOf(capture.points());
        this.waiting = new HashSet<>(wanted);
        this.positions = positions;
        this.nHeads = config.nHeads();
        this.heads = capture.heads(config);
        for (HookPoint point : wanted) {
            columns.computeIfAbsent(
                    point.site(), site -> ColumnRange.of(config, site, capture.heads(), capture.neurons()));
        }
        this.firstSequence = firstSequence;
        this.listener = listener;
    }

    @Override
    public boolean wants(HookPoint point) {
        return wanted.contains(point);
    }

    @Override
    public boolean reads(HookPoint point, int sequence, int position) {
        return Arrays.binarySearch(positions.get(sequence), position) >= 0;
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        waiting.remove(point);
        for (int s = 0; s < activation.sequences(); s++) {
            if (point.site().isMap()) {
                attention(point, activation, s);
            } else {
                rows(point, activation, s);
            }
        }
    }

    /** A point that was asked for and never came would leave a hole nobody notices. */
    void requireAllFired() {
        if (!waiting.isEmpty()) {
            throw new HyalineException(
                    "the pass did not reach " + waiting.stream().sorted().toList());
        }
    }

    /** Values {@code [rows, width]}. */
    private void rows(HookPoint point, Activation activation, int sequence) {
        List<ColumnRange> chosenColumns = columns.get(point.site());
        int[] chosen = positions.get(sequence);
        int width = activation.width();
        int firstRow = activation.firstRow(sequence);
        int endRow = activation.firstRow(sequence + 1);
        int row = firstRow;
        for (int i = 0; i < chosen.length; ) {
            while (row < endRow && activation.position(row) < chosen[i]) {
                row++;
            }
            int run = 0;
            while (i < chosen.length && row + run < endRow && activation.position(row + run) == chosen[i]) {
                run++;
                i++;
            }
            if (run == 0) {
                throw new HyalineException("the pass holds no " + point + " at position " + chosen[i]);
            }
            int from = activation.offset(sequence) + (row - firstRow) * width;
            if (chosenColumns.isEmpty()) {
                listener.captured(point, firstSequence + sequence, activation.values(), from, run * width);
            } else {
                for (int end = from + run * width; from < end; from += width) {
                    parts(point, activation, sequence, from, chosenColumns);
                }
            }
            row += run;
        }
    }

    private void parts(HookPoint point, Activation activation, int sequence, int row, List<ColumnRange> runs) {
        for (ColumnRange run : runs) {
            listener.captured(point, firstSequence + sequence, activation.values(), row + run.first(), run.count());
        }
    }

    /** Values {@code [nHeads, queries, keys]}; the last query is the last key. */
    private void attention(HookPoint point, Activation activation, int sequence) {
        int[] chosen = positions.get(sequence);
        int keys = activation.keys(sequence);
        int queries = activation.firstRow(sequence + 1) - activation.firstRow(sequence);
        int start = keys - queries;
        if (heads.length == nHeads && chosen.length == queries && chosen[0] == start) {
            listener.captured(
                    point,
                    firstSequence + sequence,
                    activation.values(),
                    activation.offset(sequence),
                    activation.size(sequence));
            return;
        }
        for (int head : heads) {
            for (int i = 0; i < chosen.length; ) {
                int query = chosen[i] - start;
                if (query < 0) {
                    throw new HyalineException("the pass holds no " + point + " at position " + chosen[i]);
                }
                int run = 0;
                while (i < chosen.length && chosen[i] - start == query + run) {
                    run++;
                    i++;
                }
                listener.captured(
                        point,
                        firstSequence + sequence,
                        activation.values(),
                        activation.offset(sequence) + (head * queries + query) * keys,
                        run * keys);
            }
        }
    }
}
