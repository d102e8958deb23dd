package dev.hyaline.engine.tornado;

/** The fields of the array of rows, for each row of a batch. */
final class RowField {
    static final int TOKEN = 0;
    static final int POSITION = 1;
    /** Index of its sequence's first page in the table of pages. */
    static final int PAGES = 2;
    /** Keys its sequence has. */
    static final int KEYS = 3;
    /** Index of its row of the first head's attention map. */
    static final int MAP = 4;
    /** Distance from one head's map to the next. */
    static final int MAP_STRIDE = 5;
    /** At index i: the i-th row chosen to be unembedded. */
    static final int CHOSEN = 6;

    /** At index i: the first row of the i-th tile, of neighbouring rows of one sequence. */
    static final int TILE_ROW = 7;
    /** At index i: the rows of the i-th tile. */
    static final int TILE_ROWS = 8;

    static final int FIELDS = 9;

    private RowField() {}
}
