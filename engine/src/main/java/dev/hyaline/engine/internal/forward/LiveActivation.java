package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.site.Activation;
import java.util.Arrays;

/** What a probe is shown: one object, pointed at each buffer of a pass in turn. */
final class LiveActivation implements Activation {
    private static final int[] ALL_COLUMNS = {};

    private Batch batch;
    private float[] values;
    private int width;
    /** Batch rows present, or null for all. */
    private int[] chosenRows;

    private int[] columns;
    /** Where each sequence's maps begin, or null where there is a row a token. */
    private int[] mapOffsets;

    /** Begins a pass. */
    void of(Batch batch) {
        this.batch = batch;
    }

    /** Lets go of the last pass. */
    void forget() {
        batch = null;
        values = null;
        chosenRows = null;
        columns = null;
        mapOffsets = null;
    }

    /** One row a token. */
    LiveActivation rows(float[] values, int width) {
        return chosen(values, width, null, null);
    }

    /** One row a chosen token; of the chosen columns, if any. */
    LiveActivation chosen(float[] values, int width, int[] chosenRows, int[] columns) {
        this.values = values;
        this.width = width;
        this.chosenRows = chosenRows;
        this.columns = columns == null ? ALL_COLUMNS : columns;
        this.mapOffsets = null;
        return this;
    }

    /** {@code [nHeads, queries, keys]} a sequence. */
    LiveActivation maps(float[] values, int[] mapOffsets) {
        rows(values, 1);
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
        return chosenRows == null ? batch.rows() : chosenRows.length;
    }

    @Override
    public int sequences() {
        return batch.sequences();
    }

    @Override
    public int firstRow(int sequence) {
        int row = batch.firstRow()[sequence];
        if (chosenRows == null) {
            return row;
        }
        int found = Arrays.binarySearch(chosenRows, row);
        return found < 0 ? -found - 1 : found;
    }

    @Override
    public int position(int row) {
        return batch.position(chosenRows == null ? row : chosenRows[row]);
    }

    @Override
    public int offset(int sequence) {
        return mapOffsets == null ? firstRow(sequence) * width : mapOffsets[sequence];
    }

    @Override
    public int size(int sequence) {
        return offset(sequence + 1) - offset(sequence);
    }

    @Override
    public int keys(int sequence) {
        return batch.end(sequence);
    }

    @Override
    public int[] columns() {
        return columns.clone();
    }
}
