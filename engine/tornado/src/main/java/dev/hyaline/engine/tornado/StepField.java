package dev.hyaline.engine.tornado;

/**
 * The fields in which a kernel finds what differs from launch to launch: scalar arguments are compiled in as constants,
 * so these come in an array.
 */
final class StepField {
    static final int LAYER = 0;
    /** Rows to compute. */
    static final int ROWS = 1;
    /** First index that is written. */
    static final int TO = 2;
    /** First index that is read. */
    static final int FROM = 3;
    /** Values of a copy, or columns of an edit. */
    static final int COUNT = 4;
    /** Logits a row. */
    static final int COLUMNS = 5;
    /** First of the rows to unembed. */
    static final int FIRST_ROW = 6;
    /** Pages of a copy. */
    static final int FROM_PAGE = 7;

    static final int TO_PAGE = 8;
    /** Places of an edit. */
    static final int PLACES = 9;
    /** Directions along which an edit acts. */
    static final int DIRECTIONS = 10;

    static final int FIELDS = 11;

    private StepField() {}
}
