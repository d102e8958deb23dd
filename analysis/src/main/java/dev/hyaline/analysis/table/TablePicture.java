package dev.hyaline.analysis.table;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;

/** The picture of a table: bars where it has one axis, or else a heat map. */
public final class TablePicture {
    private TablePicture() {}

    /**
     * Lays the picture of a table out.
     *
     * @throws BadInputException if the table is too large to be seen
     */
    public static Picture of(ResultTable table) {
        return BarChart.fits(table) ? BarChart.of(table) : HeatMap.of(table);
    }

    /** Returns whether a table is small enough for a picture. */
    public static boolean fits(ResultTable table) {
        return HeatMap.fits(table);
    }
}
