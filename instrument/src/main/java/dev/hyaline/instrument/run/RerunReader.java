package dev.hyaline.instrument.run;

import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.capture.Capture;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Copies what cells want to read from a pass over parts of their sequences. */
final class RerunReader implements Probe {
    private record Slot(int index, PendingRerun cell) {}

    private final List<Slot> slots = new ArrayList<>();
    private final Set<HookPoint> wanted = new HashSet<>();

    /** A cell at a sequence of the pass. */
    void add(int slot, PendingRerun cell) {
        cell.reading().ifPresent(capture -> {
            slots.add(new Slot(slot, cell));
            wanted.addAll(capture.points());
        });
    }

    @Override
    public boolean wants(HookPoint point) {
        return wanted.contains(point);
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        for (Slot slot : slots) {
            Capture capture = slot.cell.reading().orElseThrow();
            if (capture.points().contains(point)) {
                copy(point, activation, slot, capture.positions(slot.cell.length()));
            }
        }
    }

    private static void copy(HookPoint point, Activation activation, Slot slot, int[] positions) {
        int s = slot.index;
        int rows = activation.firstRow(s + 1) - activation.firstRow(s);
        int start = activation.position(activation.firstRow(s));
        boolean map = point.site().isMap();
        // A map is a block of rows a head, all else one block.
        int width = map ? activation.keys(s) : activation.width();
        int blocks = activation.size(s) / (rows * width);
        float[] to = slot.cell.values(point);
        for (int block = 0; block < blocks; block++) {
            for (int i = 0; i < positions.length; i++) {
                if (positions[i] >= start) {
                    int row = block * rows + positions[i] - start;
                    System.arraycopy(
                            activation.values(),
                            activation.offset(s) + row * width,
                            to,
                            (block * positions.length + i) * width,
                            width);
                }
            }
        }
    }
}
