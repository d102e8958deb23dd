package dev.hyaline.engine.tornado;

/** The fields of the array of places, for each place of an edit. */
final class PlaceField {
    /** Index of its first value. */
    static final int AT = 0;
    /** Values it has. */
    static final int LENGTH = 1;
    /** Index of its first addend among the staged values, 0 for none; or of the place it is exchanged with. */
    static final int OTHER = 2;

    static final int FIELDS = 3;

    private PlaceField() {}
}
