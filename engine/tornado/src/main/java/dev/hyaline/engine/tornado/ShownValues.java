package dev.hyaline.engine.tornado;

import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.PassBuffer;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.tornado.DeviceBuffer.Region;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Values of a pass as they are shown to probes on the host: the rows that are read come from the device, and what is
 * changed of them goes back.
 */
final class ShownValues {
    /** Largest score that stands for minus infinity. */
    private static final float STILL_MASKED = AttentionKernels.MASKED / 2;

    private final DeviceArrays arrays;
    private final LaunchQueue launches;
    private final HeadRows headRows;

    private @Nullable Batch batch;
    /** The residual stream as it was last shown for each head. */
    private float @Nullable [] shownForHeads;

    ShownValues(DeviceArrays arrays, LaunchQueue launches, HeadRows headRows) {
        this.arrays = arrays;
        this.launches = launches;
        this.headRows = headRows;
    }

    void begin(Batch batch) {
        this.batch = batch;
    }

    /** Lets go of the pass. */
    void end() {
        batch = null;
        shownForHeads = null;
    }

    private Batch batch() {
        return Objects.requireNonNull(batch, "no pass runs");
    }

    /** The place of a buffer's values that are about to be changed. */
    Region regionToChange(PassBuffer buffer, int layer) {
        if (buffer == PassBuffer.RESULTS) {
            headRows.changeResults();
        }
        return HeadRows.isInput(buffer) ? headRows.own(buffer, layer) : region(buffer);
    }

    /** The place of a buffer's values. */
    Region region(PassBuffer buffer) {
        return switch (buffer) {
            case Q, K, V -> arrays.partOfProjection(buffer);
            case RESULTS -> HeadRows.results();
            case HEAD_INPUTS, Q_INPUTS, K_INPUTS, V_INPUTS ->
                headRows.changed(buffer).orElseThrow();
            default -> new Region(DeviceBuffer.of(buffer), 0);
        };
    }

    /** The values of a buffer that a probe reads. */
    float[] read(PassBuffer buffer, int size, HookPoint point, Probe probe) {
        if (HeadRows.isInput(buffer) && headRows.changed(buffer).isEmpty()) {
            return spread(size, point, probe);
        }
        float[] values = new float[size];
        ranges(buffer, point, probe).forEach((from, length) -> launches.read(region(buffer), from, length, values));
        if (point.site() == Site.ATTN_SCORES) {
            // Scores that are masked, as the processors have them.
            for (int i = 0; i < values.length; i++) {
                values[i] = values[i] <= STILL_MASKED ? Float.NEGATIVE_INFINITY : values[i];
            }
        }
        return values;
    }

    private RowRanges ranges(PassBuffer buffer, HookPoint point, Probe probe) {
        return buffer == PassBuffer.MAPS
                ? RowRanges.ofMaps(batch(), arrays.config.nHeads(), point, probe)
                : RowRanges.ofRows(batch(), buffer.width(arrays.config), point, probe);
    }

    /** The input of each head while nobody has changed it: the residual stream, once for each. */
    private float[] spread(int size, HookPoint point, Probe probe) {
        int d = arrays.config.dModel();
        float[] residual = new float[batch().rows() * d];
        Region region = new Region(DeviceBuffer.RESIDUAL, 0);
        ranges(PassBuffer.RESIDUAL, point, probe)
                .forEach((from, length) -> launches.read(region, from, length, residual));
        float[] spread = new float[size];
        for (int i = 0; i < size; i += d) {
            System.arraycopy(residual, i / d / arrays.config.nHeads() * d, spread, i, d);
        }
        shownForHeads = residual;
        return spread;
    }

    /** Uploads what the same probe has changed of them. */
    void write(PassBuffer buffer, float[] values, int size, HookPoint point, Probe probe) {
        RowRanges ranges = ranges(buffer, point, probe);
        if (HeadRows.isInput(buffer) && headRows.changed(buffer).isEmpty()) {
            int d = arrays.config.dModel();
            int width = arrays.config.nHeads() * d;
            float[] shown = Objects.requireNonNull(shownForHeads, "nothing was shown");
            ranges.forEach((from, length) -> writeChanged(
                    from,
                    length,
                    i -> values[i],
                    i -> shown[i / width * d + i % d],
                    (first, some) -> launches.load(regionToChange(buffer, point.layer()), values, first, some)));
            return;
        }
        if (buffer == PassBuffer.MAPS) {
            for (int i = 0; i < size; i++) {
                values[i] = Math.max(values[i], AttentionKernels.MASKED);
            }
        }
        Region region = region(buffer);
        ranges.forEach((from, length) -> writeChanged(
                from,
                length,
                i -> values[i],
                i -> launches.lastRead(region, i),
                (first, some) -> launches.load(regionToChange(buffer, point.layer()), values, first, some)));
    }

    private interface Values {
        float at(int index);
    }

    /** Hands on what differs of a range, from the first value that does to the last. */
    private static void writeChanged(int from, int length, Values now, Values before, RowRanges.Consumer changed) {
        int first = from;
        int end = from + length;
        while (first < end && same(now.at(first), before.at(first))) {
            first++;
        }
        while (end > first && same(now.at(end - 1), before.at(end - 1))) {
            end--;
        }
        if (first < end) {
            changed.accept(first, end - first);
        }
    }

    private static boolean same(float a, float b) {
        return Float.floatToRawIntBits(a) == Float.floatToRawIntBits(b);
    }
}
