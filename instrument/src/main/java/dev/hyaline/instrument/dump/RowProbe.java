package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.capture.DerivedSite;
import dev.hyaline.instrument.internal.AwaitedPoints;
import dev.hyaline.instrument.internal.ChosenValues;
import dev.hyaline.instrument.internal.ColumnRange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Passes chosen rows of a pass to a sink; changes nothing. */
final class RowProbe implements Probe {
    /** Values of a derived site that are formed at once. */
    private static final int MAX_VALUES = 1 << 22;

    private final Map<HookPoint, TensorInfo> tensors;
    private final Map<DerivedSite, TensorInfo> derived;
    private final CorpusDump dump;
    private final RowSink sink;
    private final SortedSet<HookPoint> wanted;
    private final AwaitedPoints points;
    /** Chosen rows at the sources of derived sites, of the pass that runs. */
    private final Map<HookPoint, float[]> held = new HashMap<>();

    /** Rows of the batch, ascending. */
    private int[] rows = {};

    private long firstRow;

    private RowProbe(
            CorpusDump dump, Map<HookPoint, TensorInfo> tensors, Map<DerivedSite, TensorInfo> derived, RowSink sink) {
        this.dump = dump;
        this.tensors = Map.copyOf(tensors);
        this.sink = sink;
        this.derived = derived;
        wanted = new TreeSet<>(tensors.keySet());
        derived.keySet().forEach(site -> wanted.addAll(site.sources()));
        this.points = new AwaitedPoints(wanted);
    }

    static RowProbe of(CorpusDump dump, RowSink sink) {
        List<TensorInfo> rows = dump.rowTensors();
        Map<HookPoint, TensorInfo> tensors = new HashMap<>();
        for (int i = 0; i < dump.points().size(); i++) {
            tensors.put(dump.points().get(i), rows.get(i));
        }
        Map<DerivedSite, TensorInfo> derived = new LinkedHashMap<>();
        for (int i = 0; i < dump.derived().size(); i++) {
            derived.put(dump.derived().get(i), rows.get(dump.points().size() + i));
        }
        return new RowProbe(dump, tensors, derived, sink);
    }

    /** The boundary after the stage of the last point, where a pass can stop; none if the logits come next. */
    Optional<Boundary> stop() {
        return wanted.last().boundaryAfter().filter(boundary -> boundary.isBefore(Boundary.last(dump.config())));
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
        held.clear();
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
        try {
            TensorInfo tensor = tensors.get(point);
            if (tensor != null) {
                List<ColumnRange> columns = ColumnRange.of(dump.config(), point.site(), dump.heads(), dump.neurons());
                sink.begin(tensor, firstRow);
                ChosenValues.pass(activation.values(), 0, activation.width(), here, columns, sink::append);
            }
            derive(point, activation, here);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes the derived sites of which a point is the last source that was missing. */
    private void derive(HookPoint point, Activation activation, int[] here) throws IOException {
        if (derived.keySet().stream().noneMatch(site -> site.sources().contains(point))) {
            return;
        }
        int width = activation.width();
        float[] chosen = new float[here.length * width];
        for (int i = 0; i < here.length; i++) {
            System.arraycopy(activation.values(), here[i] * width, chosen, i * width, width);
        }
        held.put(point, chosen);
        for (Map.Entry<DerivedSite, TensorInfo> entry : derived.entrySet()) {
            List<HookPoint> sources = entry.getKey().sources();
            if (sources.contains(point) && held.keySet().containsAll(sources)) {
                sink.begin(entry.getValue(), firstRow);
                append(entry.getKey(), sources);
            }
        }
    }

    /**
     * Writes a derived site of whose sources all are held: some rows at a time, for it may be much wider than these.
     */
    private void append(DerivedSite site, List<HookPoint> sources) throws IOException {
        int step = Math.max(1, MAX_VALUES / site.width());
        for (int first = 0; first < rows.length; first += step) {
            int begin = first;
            int end = Math.min(rows.length, first + step);
            float[] values = site.values(sources.stream()
                    .map(source -> {
                        float[] all = Objects.requireNonNull(held.get(source));
                        int width = all.length / rows.length;
                        return Arrays.copyOfRange(all, begin * width, end * width);
                    })
                    .toList());
            sink.append(values, 0, values.length);
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
