package dev.hyaline.analysis.picture;

/** A drawing on white paper that can be had as SVG and as PNG. */
public interface Picture {
    /** Width in units of the SVG. */
    int width();

    /** Height in units of the SVG. */
    int height();

    /** Draws the picture. Must draw the same each time. */
    void draw(Canvas canvas);

    /** Returns an SVG document. */
    default String svg() {
        SvgCanvas canvas = new SvgCanvas(width(), height());
        canvas.rectangle(0, 0, width(), height(), Canvas.PAPER, "");
        draw(canvas);
        return canvas.document();
    }

    /** Returns the bytes of a PNG file, two pixels to a unit of the SVG. */
    default byte[] png() {
        PngCanvas canvas = new PngCanvas(width(), height());
        canvas.rectangle(0, 0, width(), height(), Canvas.PAPER, "");
        draw(canvas);
        return canvas.bytes();
    }
}
