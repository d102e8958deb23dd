package dev.hyaline.instrument.run;

import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.capture.Capture;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Copies what reruns read from a pass over parts of their sequences. */
final class RerunReader implements Probe {
    /** A rerun that reads, and the index of its sequence in the pass. */
    private record Reading(int index, PendingRerun rerun) {}

    private final List<Reading> readings = new ArrayList<>();
    private final Set<HookPoint> wanted = new HashSet<>();

    /**
     * Adds a rerun.
     *
     * @param index of its sequence in the pass
     */
    void add(int index, PendingRerun rerun) {
        rerun.reading().ifPresent(capture -> {
            readings.add(new Reading(index, rerun));
            wanted.addAll(capture.points());
        });
    }

    @Override
    public boolean wants(HookPoint point) {
        return wanted.contains(point);
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        for (Reading reading : readings) {
            Capture capture = reading.rerun.reading().orElseThrow();
            if (capture.points().contains(point)) {
                copy(point, activation, reading, capture.positions(reading.rerun.length()));
            }
        }
    }

    private static void copy(HookPoint point, Activation activation, Reading reading, int[] positions) {
        int s = reading.index;
        int rows = activation.firstRow(s + 1) - activation.firstRow(s);
        int start = activation.position(activation.firstRow(s));
        boolean map = point.site().isMap();
        // A map is a block of rows per head; all else is one block.
        int width = map ? activation.keys(s) : activation.width();
        int blocks = activation.size(s) / (rows * width);
        float[] to = reading.rerun.values(point);
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
