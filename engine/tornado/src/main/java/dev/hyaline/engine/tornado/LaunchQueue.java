package dev.hyaline.engine.tornado;

import dev.hyaline.engine.tornado.DeviceBuffer.Region;
import dev.hyaline.engine.tornado.Operation.BufferChange;
import dev.hyaline.engine.tornado.Operation.ChangeKind;
import dev.hyaline.engine.tornado.Operation.Step;
import java.util.ArrayList;
import java.util.List;

/**
 * Operations gathered to be launched together: until a value is wanted on the host, the layer or the number of rows
 * changes, or the pass ends.
 */
final class LaunchQueue {
    private final DeviceArrays arrays;
    private final Graphs graphs;
    private final List<Operation> pending = new ArrayList<>();

    private int rows;
    private int tiles;
    private int layer;
    private int count;
    /** Whether the device knows the rows of the pass. */
    private boolean described;

    LaunchQueue(DeviceArrays arrays, Graphs graphs) {
        this.arrays = arrays;
        this.graphs = graphs;
    }

    /** Begins a pass of so many rows and tiles, described in the arrays of rows and pages. */
    void begin(int rows, int tiles) {
        this.rows = rows;
        this.tiles = tiles;
        described = false;
    }

    /** Forgets what was not launched. */
    void clear() {
        pending.clear();
    }

    /** An operation on all rows. */
    void add(Operation operation, int layer) {
        add(operation, layer, rows);
    }

    void add(Operation operation, int layer, int count) {
        if (!described) {
            described = true;
            if (operation != Step.EMBED && operation != Step.EMBED_APART) {
                // The pass begins in the middle; this tells the device its rows, and writes what nobody reads.
                add(Step.EMBED_APART, 0, rows);
            }
        }
        if (!pending.isEmpty() && (this.layer != layer || this.count != count)) {
            flush();
        }
        this.layer = layer;
        this.count = count;
        pending.add(operation);
    }

    /** LaunchQueue an operation after those that wait, none of which may read a field set for it. */
    void launch(Operation operation, int layer, int count) {
        add(operation, layer, count);
        flush();
    }

    /** The layer of what was last added. */
    int layer() {
        return layer;
    }

    /** LaunchQueue what waits. */
    void flush() {
        if (!pending.isEmpty()) {
            set(StepField.LAYER, layer);
            set(StepField.ROWS, count);
            graphs.run(pending, new KernelForm.Extent(count, tiles, arrays.step.get(StepField.COLUMNS)));
            pending.clear();
        }
    }

    /** Sets a field for the next launch. */
    void set(int field, int value) {
        arrays.step.set(field, value);
    }

    /** Copies a page of every layer. */
    void copyPage(int from, int to) {
        flush();
        set(StepField.FROM_PAGE, from);
        set(StepField.TO_PAGE, to);
        graphs.run(List.of(Step.COPY_PAGE), new KernelForm.Extent(1, 1, 1));
    }

    /** Fills a part of a region from an array, from the same index on. */
    void load(Region region, float[] values, int from, int length) {
        flush();
        for (int done = 0; done < length; done += arrays.sizes.staging()) {
            int some = Math.min(arrays.sizes.staging(), length - done);
            DeviceArrays.put(values, from + done, some, arrays.staging, 0);
            set(StepField.TO, region.base() + from + done);
            set(StepField.COUNT, some);
            launch(new BufferChange(ChangeKind.LOAD, region.buffer()), layer, rows);
        }
    }

    /** Copies a part of a region to the same indices of an array. */
    void read(Region region, int from, int length, float[] out) {
        flush();
        graphs.read(arrays.of(region.buffer()), region.base() + from, length);
        DeviceArrays.get(arrays.of(region.buffer()), region.base() + from, out, from, length);
    }

    /** The value that was last read. */
    float lastRead(Region region, int index) {
        return arrays.of(region.buffer()).get(region.base() + index);
    }

    /** Logits of the first rows of those that were last formed. */
    void readLogits(float[] logits, int at, int length) {
        graphs.read(arrays.logits, 0, length);
        DeviceArrays.get(arrays.logits, 0, logits, at, length);
    }
}
