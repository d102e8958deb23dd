package dev.hyaline.engine.tornado;

import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.ArrayList;
import java.util.List;

/** The values of a buffer that a probe reads, as few ranges: all that is copied from the device. */
final class RowRanges {
    private record Range(int from, int length) {}

    private final List<Range> ranges = new ArrayList<>();
    private int from;
    private int end;

    private RowRanges() {}

    /** Takes a range. */
    interface Consumer {
        void accept(int from, int length);
    }

    /** Of a buffer {@code [rows, width]}. */
    static RowRanges ofRows(Batch batch, int width, HookPoint point, Probe probe) {
        RowRanges ranges = new RowRanges();
        for (int s = 0; s < batch.sequences(); s++) {
            for (int i = 0; i < batch.length(s); i++) {
                if (probe.reads(point, s, batch.start()[s] + i)) {
                    ranges.add((batch.firstRow()[s] + i) * width, width);
                }
            }
        }
        return ranges.closed();
    }

    /** Of attention maps {@code [heads, queries, keys]} a sequence. */
    static RowRanges ofMaps(Batch batch, int heads, HookPoint point, Probe probe) {
        int[] offsets = batch.mapOffsets(heads);
        RowRanges ranges = new RowRanges();
        for (int s = 0; s < batch.sequences(); s++) {
            int keys = batch.end(s);
            for (int row = 0; row < heads * batch.length(s); row++) {
                if (probe.reads(point, s, batch.start()[s] + row % batch.length(s))) {
                    ranges.add(offsets[s] + row * keys, keys);
                }
            }
        }
        return ranges.closed();
    }

    private void add(int first, int length) {
        if (first != end) {
            closed();
            from = first;
        }
        end = first + length;
    }

    private RowRanges closed() {
        if (end > from) {
            ranges.add(new Range(from, end - from));
        }
        from = end;
        return this;
    }

    void forEach(Consumer consumer) {
        for (Range range : ranges) {
            consumer.accept(range.from, range.length);
        }
    }
}
