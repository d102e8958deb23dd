package dev.hyaline.engine.tornado;

/** Where a kernel finds what differs from launch to launch: scalar arguments are compiled in as constants, so these come in an array. */
final class StepField {
    static final int LAYER = 0;
    /** Rows to compute. */
    static final int ROWS = 1;

    static final int HEAD = 2;
    /** First index of a copy. */
    static final int AT = 3;
    /** Values of a copy. */
    static final int COUNT = 4;
    /** Logits a row. */
    static final int COLUMNS = 5;
    /** First of the rows to unembed. */
    static final int FIRST_ROW = 6;
    /** Pages of a copy. */
    static final int FROM_PAGE = 7;

    static final int TO_PAGE = 8;
    static final int FIELDS = 9;

    private StepField() {}
}
