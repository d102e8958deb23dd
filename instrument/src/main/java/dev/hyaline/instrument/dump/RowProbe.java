package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.internal.AwaitedPoints;
import dev.hyaline.instrument.internal.ChosenValues;
import dev.hyaline.instrument.internal.ColumnRange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/** Passes chosen rows of a pass to a writer; changes nothing. */
final class RowProbe implements Probe {
    private final Map<HookPoint, TensorInfo> tensors;
    private final CorpusDump dump;
    private final ShardWriter writer;
    private final AwaitedPoints points;
    /** Rows of the batch, ascending. */
    private int[] rows = {};

    private long firstRow;

    RowProbe(CorpusDump dump, Map<HookPoint, TensorInfo> tensors, ShardWriter writer) {
        this.dump = dump;
        this.tensors = Map.copyOf(tensors);
        this.writer = writer;
        this.points = new AwaitedPoints(tensors.keySet());
    }

    /**
     * Prepares for a pass.
     *
     * @param chosen rows of the batch, ascending
     * @param first row of the dump that the first of them becomes
     */
    void begin(int[] chosen, long first) {
        rows = chosen;
        firstRow = first;
        points.begin();
    }

    @Override
    public boolean wants(HookPoint point) {
        return points.wants(point);
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        points.reached(point);
        // Of the logits, none but the chosen rows were formed.
        int[] here = point.site() == Site.UNEMBED_OUT
                ? IntStream.range(0, rows.length).toArray()
                : rows;
        List<ColumnRange> columns = ColumnRange.of(dump.config(), point.site(), dump.heads(), dump.neurons());
        try {
            writer.begin(Objects.requireNonNull(tensors.get(point)), firstRow);
            ChosenValues.pass(activation.values(), 0, activation.width(), here, columns, writer::append);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Checks, after a pass, that it reached every point.
     *
     * @throws HyalineException naming those that it did not
     */
    void requireAllFired() {
        points.requireAllReached();
    }
}
