package dev.hyaline.engine.tornado;

/** What the array of rows holds for each row of a batch. */
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

    static final int FIELDS = 7;

    private RowField() {}
}
