package dev.hyaline.analysis.internal;

/**
 * A surface that pictures are drawn on. Coordinates are in units from the upper left corner; colours are
 * {@code 0xRRGGBB}.
 */
public interface Picture {
    /** The point of a text that lies at its coordinates. */
    enum Anchor {
        START,
        MIDDLE,
        END
    }

    /** A filled rectangle; a picture that can tell something about itself tells {@code tooltip} there. */
    void rectangle(double x, double y, double width, double height, int colour, String tooltip);

    /**
     * A curve through two ends and the two control points of a cubic Bézier between them.
     *
     * @param points x and y of the start, of both control points and of the end
     */
    void curve(double[] points, double width, int colour, String tooltip);

    /** A line of text on its base line, turned to run upwards if {@code rotated}. */
    void text(double x, double y, String text, int size, Anchor anchor, boolean rotated, int colour);
}
