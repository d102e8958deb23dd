package dev.hyaline.analysis.picture;

/**
 * A surface that pictures are drawn on. Coordinates are in units from the upper left corner; colours are
 * {@code 0xRRGGBB}.
 */
public sealed interface Canvas permits SvgCanvas, PngCanvas {
    /** The colour of the empty canvas. */
    int PAPER = 0xFFFFFF;

    /** The colour of titles, labels and figures. */
    int INK = 0x222222;

    /** The colour of names of axes and of explanations. */
    int PALE_INK = 0x666666;

    /** The colour of lines behind a plot. */
    int GRID = 0xE2E2E2;

    /** The colour of text on a light cell, which stays light where a page is dark. */
    int CELL_INK = 0x000000;

    /** The point of a text that lies at its coordinates. */
    enum Anchor {
        START,
        MIDDLE,
        END
    }

    /** Fills a rectangle. An SVG shows the tooltip, if it is not empty, when pointed at; a PNG cannot. */
    void rectangle(double x, double y, double width, double height, int colour, String tooltip);

    /**
     * Draws a cubic Bézier curve between two ends.
     *
     * @param points x and y of the start, of both control points and of the end
     */
    void curve(double[] points, double width, int colour, String tooltip);

    /** Fills a circle. */
    void dot(double x, double y, double radius, int colour, String tooltip);

    /** Draws a straight line. */
    default void line(double x1, double y1, double x2, double y2, double width, int colour, String tooltip) {
        curve(
                new double[] {x1, y1, (2 * x1 + x2) / 3, (2 * y1 + y2) / 3, (x1 + 2 * x2) / 3, (y1 + 2 * y2) / 3, x2, y2
                },
                width,
                colour,
                tooltip);
    }

    /** Writes a line of text on its base line; if {@code rotated}, it runs upwards. */
    void text(double x, double y, String text, int size, Anchor anchor, boolean rotated, int colour);
}
