package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.Start;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.internal.forward.Plan.Output;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The rows of a batch whose gradients a backward pass forms: all, or the last positions of each sequence where nobody
 * reads those before.
 */
final class FormedRows {
    private static final float[] NOTHING = {};

    private Batch batch = Batch.EMPTY;
    private Batch whole = Batch.EMPTY;
    /** By row of {@link #batch}, the row of {@link #whole}. */
    private int[] wholeRows = {};
    /** Room for what a probe is shown where not all rows are formed. */
    private float[] shown = NOTHING;

    /**
     * Chooses the rows.
     *
     * @param mayBePart false for all
     */
    void begin(Gpt2Config config, KeptPass kept, Probe probe, boolean mayBePart) {
        whole = kept.plan().batch();
        batch = mayBePart && canBePart(config, kept, probe) ? lastPositions(config, probe) : whole;
    }

    /** Forgets the pass. */
    void end() {
        batch = Batch.EMPTY;
        whole = Batch.EMPTY;
        shown = NOTHING;
    }

    /** The positions that are formed. */
    Batch batch() {
        return batch;
    }

    /** The whole sequences. */
    Batch whole() {
        return whole;
    }

    /**
     * Returns whether positions that nobody reads may be left out: nobody changes a gradient, or is shown one that has
     * no row a position, and of the forward pass there is all that they would be formed from.
     */
    private boolean canBePart(Gpt2Config config, KeptPass kept, Probe probe) {
        Plan plan = kept.plan();
        if (!(plan.start() instanceof Start.Embedding)
                || !(plan.output() instanceof Output.Logits)
                || !Set.of(HookPoint.of(Site.EMBED)).containsAll(kept.watchedPoints())) {
            return false;
        }
        for (int layer = 0; layer < config.nLayers(); layer++) {
            if (kept.at(HookPoint.of(Site.K, layer)) == null || kept.at(HookPoint.of(Site.V, layer)) == null) {
                return false;
            }
        }
        for (HookPoint point : HookPoint.all(config)) {
            if (probe.wants(point)
                    && (probe.changes(point)
                            || switch (point.site()) {
                                case ATTN_IN, ATTN_SCORES, PATTERN, RESULT, UNEMBED_OUT -> true;
                                default -> false;
                            })) {
                return false;
            }
        }
        return true;
    }

    /** The positions from the first that the probe reads somewhere; gradients there depend on no earlier ones. */
    private Batch lastPositions(Gpt2Config config, Probe probe) {
        List<HookPoint> wanted =
                HookPoint.all(config).stream().filter(probe::wants).toList();
        int sequences = whole.sequences();
        int[] start = new int[sequences];
        int[] firstRow = new int[sequences + 1];
        IntStream.Builder tokens = IntStream.builder();
        for (int s = 0; s < sequences; s++) {
            int sequence = s;
            int last = whole.end(s) - 1;
            start[s] = IntStream.range(0, last)
                    .filter(position -> wanted.stream().anyMatch(point -> probe.reads(point, sequence, position)))
                    .findFirst()
                    .orElse(last);
            firstRow[s + 1] = firstRow[s] + whole.end(s) - start[s];
            for (int position = start[s]; position <= last; position++) {
                tokens.add(whole.tokens()[whole.firstRow()[s] + position]);
            }
        }
        if (firstRow[sequences] == whole.rows()) {
            return whole;
        }
        wholeRows = new int[firstRow[sequences]];
        for (int s = 0; s < sequences; s++) {
            for (int row = firstRow[s]; row < firstRow[s + 1]; row++) {
                wholeRows[row] = whole.firstRow()[s] + start[s] + row - firstRow[s];
            }
        }
        return new Batch(tokens.build().toArray(), firstRow, start, whole.past(), whole.append());
    }

    /** Returns whether some rows are left out. */
    boolean isPart() {
        return batch.rows() < whole.rows();
    }

    /** The row of the whole batch. */
    int wholeRow(int row) {
        return isPart() ? wholeRows[row] : row;
    }

    /** Those of some values, one of {@code width} a row of the whole batch. */
    float[] of(float[] all, int width) {
        if (!isPart()) {
            return all;
        }
        float[] some = new float[batch.rows() * width];
        for (int row = 0; row < batch.rows(); row++) {
            System.arraycopy(all, wholeRows[row] * width, some, row * width, width);
        }
        return some;
    }

    /** Those of some rows of the whole batch. */
    int[] chosen(int[] ofWhole) {
        if (!isPart()) {
            return ofWhole;
        }
        return IntStream.of(ofWhole)
                .map(row -> Arrays.binarySearch(wholeRows, 0, batch.rows(), row))
                .filter(row -> row >= 0)
                .toArray();
    }

    /** Those of logits, {@code width} a row that was chosen of the whole batch. */
    float[] chosenLogits(int[] ofWhole, float[] logits, int width) {
        if (!isPart()) {
            return logits;
        }
        int[] chosen = IntStream.range(0, ofWhole.length)
                .filter(i -> Arrays.binarySearch(wholeRows, 0, batch.rows(), ofWhole[i]) >= 0)
                .toArray();
        float[] formed = new float[chosen.length * width];
        for (int i = 0; i < chosen.length; i++) {
            System.arraycopy(logits, chosen[i] * width, formed, i * width, width);
        }
        return formed;
    }

    /**
     * Values of the rows that are formed, at their rows of the whole batch. The other rows hold anything.
     *
     * @return {@code [rows of the whole batch, width]}, good until the next call
     */
    float[] spread(float[] values, int width) {
        if (!isPart()) {
            return values;
        }
        int size = Batch.arraySize(whole.rows(), width);
        if (shown.length < size) {
            shown = new float[size];
        }
        for (int row = 0; row < batch.rows(); row++) {
            System.arraycopy(values, row * width, shown, wholeRows[row] * width, width);
        }
        return shown;
    }
}
