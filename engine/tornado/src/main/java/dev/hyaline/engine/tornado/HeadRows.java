package dev.hyaline.engine.tornado;

import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.internal.forward.PassBuffer;
import dev.hyaline.engine.tornado.DeviceBuffer.Region;
import dev.hyaline.engine.tornado.Operation.Step;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The rows that single heads read and write, {@code [rows, nHeads, dModel]}, in slots of the attention maps' room,
 * which is free then. What they read takes a slot once somebody changes it; until then it is the residual stream.
 */
final class HeadRows {
    private static final Region RESULTS = new Region(DeviceBuffer.MAPS, 0);

    private final DeviceArrays arrays;
    private final LaunchQueue launches;
    private final Map<PassBuffer, Integer> slots = new EnumMap<>(PassBuffer.class);
    private final Set<PassBuffer> normed = EnumSet.noneOf(PassBuffer.class);
    private boolean resultsChanged;
    private int rows;

    HeadRows(DeviceArrays arrays, LaunchQueue launches) {
        this.arrays = arrays;
        this.launches = launches;
    }

    static boolean isInput(PassBuffer buffer) {
        return switch (buffer) {
            case HEAD_INPUTS, Q_INPUTS, K_INPUTS, V_INPUTS -> true;
            default -> false;
        };
    }

    /** Begins a layer whose inputs nobody has changed. */
    void begin(int rows) {
        this.rows = rows;
        slots.clear();
        normed.clear();
    }

    /**
     * The place of what a buffer reads, if anybody has changed it: in a slot of its own, or where all three read it.
     */
    Optional<Region> changed(PassBuffer inputs) {
        return slots.containsKey(inputs) || slots.containsKey(PassBuffer.HEAD_INPUTS)
                ? Optional.of(region(holder(inputs)))
                : Optional.empty();
    }

    private PassBuffer holder(PassBuffer inputs) {
        return slots.containsKey(inputs) ? inputs : PassBuffer.HEAD_INPUTS;
    }

    private Region region(PassBuffer holder) {
        return new Region(DeviceBuffer.MAPS, Objects.requireNonNull(slots.get(holder)) * slotSize());
    }

    private int slotSize() {
        return Math.multiplyExact(rows * arrays.config.nHeads(), arrays.config.dModel());
    }

    /** A slot of a buffer's own, to be changed. */
    Region own(PassBuffer inputs, int layer) {
        if (!slots.containsKey(inputs)) {
            launches.flush();
            requireRoom(slots.size() + 1);
            Optional<Region> from = changed(inputs);
            slots.put(inputs, slots.size());
            launches.set(StepField.TO, region(inputs).base());
            from.ifPresent(region -> launches.set(StepField.FROM, region.base()));
            launches.launch(from.isPresent() ? Step.COPY_HEAD_ROWS : Step.SPREAD, layer, rows);
        }
        return region(inputs);
    }

    private void requireRoom(int slotsNeeded) {
        long needed = (long) slotsNeeded * rows * arrays.config.nHeads() * arrays.config.dModel();
        if (needed > arrays.sizes.mapValues()) {
            throw new BackendUnavailableException(
                    "what the heads of this batch read or write, " + needed + " values, exceeds the device's room for "
                            + arrays.sizes.mapValues(),
                    "watch fewer tokens a pass, or ask for more with -D" + DeviceSizes.ROWS_PROPERTY);
        }
    }

    /** Forms queries, keys or values again from what their heads read, if anybody has changed it. */
    void project(int layer, PassBuffer out, PassBuffer inputs) {
        Region in = changed(inputs).orElse(null);
        if (in == null) {
            return;
        }
        launches.flush();
        if (normed.add(holder(inputs))) {
            launches.set(StepField.TO, in.base());
            launches.launch(Step.LN1_OF_HEAD_ROWS, layer, rows);
        }
        launches.set(StepField.FROM, in.base());
        launches.set(StepField.TO, arrays.partOfProjection(out).base());
        launches.launch(Step.PROJECT_HEAD_ROWS, layer, rows);
    }

    /** Forms each head's part of the attention output. */
    Region results(int rows, int layer) {
        this.rows = rows;
        requireRoom(1);
        resultsChanged = false;
        launches.add(Step.HEAD_RESULTS, layer);
        return RESULTS;
    }

    /** The place of the parts. */
    static Region results() {
        return RESULTS;
    }

    /** Notes that somebody has changed a part. */
    void changeResults() {
        resultsChanged = true;
    }

    /** Forms the attention output: from the parts if they were changed. */
    void sumResults(int layer) {
        launches.add(resultsChanged ? Step.SUM_HEAD_RESULTS : Step.ATTENTION_OUT, layer);
    }
}
