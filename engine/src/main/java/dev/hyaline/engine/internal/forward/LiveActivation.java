package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import java.util.Arrays;

/** The activation that a probe is shown: one object, pointed at each buffer of a pass in turn. */
public final class LiveActivation implements Activation {
    private static final float[] NOTHING = {};
    private static final int[] NONE = {};

    private Batch batch = Batch.EMPTY;
    private float[] values = NOTHING;
    private int width;
    /** Whether only the {@link #chosenRows} of the batch are present. */
    private boolean chosen;

    private int[] chosenRows = NONE;
    private int[] columns = NONE;
    /** Whether there are maps, which begin at {@link #mapOffsets}, in place of a row a token. */
    private boolean maps;

    private int[] mapOffsets = NONE;

    /** Begins a pass. */
    public void begin(Batch batch) {
        this.batch = batch;
    }

    /** Lets go of the last pass. */
    public void forget() {
        batch = Batch.EMPTY;
        point(NOTHING, 0);
    }

    private LiveActivation point(float[] values, int width) {
        this.values = values;
        this.width = width;
        chosen = false;
        chosenRows = NONE;
        columns = NONE;
        maps = false;
        mapOffsets = NONE;
        return this;
    }

    /** Points at one row a token. */
    public LiveActivation rows(float[] values, int width) {
        return point(values, width);
    }

    /** Points at logits of chosen rows. */
    public LiveActivation logits(float[] values, int dVocab, int[] chosenRows, LogitColumns columns) {
        point(values, columns.count(dVocab));
        chosen = true;
        this.chosenRows = chosenRows;
        this.columns = columns.tokens();
        return this;
    }

    /** Points at {@code [nHeads, queries, keys]} a sequence. */
    public LiveActivation maps(float[] values, int[] mapOffsets) {
        point(values, 1);
        maps = true;
        this.mapOffsets = mapOffsets;
        return this;
    }

    @Override
    public float[] values() {
        return values;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public int rows() {
        return chosen ? chosenRows.length : batch.rows();
    }

    @Override
    public int sequences() {
        return batch.sequences();
    }

    @Override
    public int firstRow(int sequence) {
        requireBoundary(sequence);
        int row = batch.firstRow()[sequence];
        if (!chosen) {
            return row;
        }
        int found = Arrays.binarySearch(chosenRows, row);
        return found < 0 ? -found - 1 : found;
    }

    @Override
    public int position(int row) {
        BadInputException.requireIndex("row", row, rows());
        return batch.position(chosen ? chosenRows[row] : row);
    }

    @Override
    public int offset(int sequence) {
        requireBoundary(sequence);
        return maps ? mapOffsets[sequence] : firstRow(sequence) * width;
    }

    @Override
    public int size(int sequence) {
        requireSequence(sequence);
        return offset(sequence + 1) - offset(sequence);
    }

    @Override
    public int keys(int sequence) {
        requireSequence(sequence);
        return batch.end(sequence);
    }

    @Override
    public int[] columns() {
        return columns.clone();
    }

    /** The last sequence ends where one more would begin. */
    private void requireBoundary(int sequence) {
        if (sequence != sequences()) {
            requireSequence(sequence);
        }
    }

    private void requireSequence(int sequence) {
        BadInputException.requireIndex("sequence", sequence, sequences());
    }
}
