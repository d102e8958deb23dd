package dev.hyaline.instrument.dump;

import dev.hyaline.engine.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.internal.ColumnRange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Hands chosen rows of a pass to a writer; changes nothing. */
final class RowProbe implements Probe {
    private final Map<HookPoint, TensorInfo> tensors;
    private final CorpusDump dump;
    private final ShardWriter writer;
    private final Map<HookPoint, Boolean> reached = new HashMap<>();
    /** Rows of the batch, ascending. */
    private int[] rows;

    private long firstRow;

    RowProbe(CorpusDump dump, Map<HookPoint, TensorInfo> tensors, ShardWriter writer) {
        this.dump = dump;
        this.tensors = Map.copyOf(tensors);
        this.writer = writer;
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
        reached.clear();
    }

    @Override
    public boolean wants(HookPoint point) {
        return tensors.containsKey(point);
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        reached.put(point, true);
        // Of the logits, none but the chosen rows were formed.
        boolean all = point.site() == Site.UNEMBED_OUT;
        int width = activation.width();
        List<ColumnRange> columns = ColumnRange.of(dump.config(), point.site(), dump.heads(), dump.neurons());
        try {
            writer.begin(tensors.get(point), firstRow);
            for (int i = 0; i < rows.length; ) {
                int row = all ? i : rows[i];
                int run = 1;
                while (i + run < rows.length && (all || rows[i + run] == row + run)) {
                    run++;
                }
                if (columns.isEmpty()) {
                    writer.append(activation.values(), row * width, run * width);
                } else {
                    for (int from = row * width; from < (row + run) * width; from += width) {
                        parts(activation, from, columns);
                    }
                }
                i += run;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void parts(Activation activation, int row, List<ColumnRange> runs) throws IOException {
        for (ColumnRange run : runs) {
            writer.append(activation.values(), row + run.first(), run.count());
        }
    }

    /** A point that was asked for and never came would leave a hole nobody notices. */
    void requireAllReached() {
        if (reached.size() != tensors.size()) {
            throw new HyalineException("the pass reached " + reached.size() + " of " + tensors.size() + " hook points");
        }
    }
}
