package dev.hyaline.analysis.picture;

import dev.hyaline.files.Markup;
import java.util.Locale;

/** Writes SVG 1.1. */
final class SvgCanvas implements Canvas {
    private final StringBuilder svg = new StringBuilder();

    SvgCanvas(int width, int height) {
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
                        + " font-family=\"Helvetica, Arial, sans-serif\">%n",
                width,
                height,
                width,
                height));
    }

    /** The finished document. */
    String document() {
        return (svg + "</svg>\n").replace("\r\n", "\n");
    }

    @Override
    public void rectangle(double x, double y, double width, double height, int colour, String tooltip) {
        svg.append("<rect x=\"")
                .append(number(x))
                .append("\" y=\"")
                .append(number(y))
                .append("\" width=\"")
                .append(number(width))
                .append("\" height=\"")
                .append(number(height))
                .append("\" fill=\"")
                .append(hex(colour));
        svg.append(tooltip.isEmpty() ? "\"/>\n" : "\"><title>" + Markup.escaped(tooltip) + "</title></rect>\n");
    }

    @Override
    public void curve(double[] points, double width, int colour, String tooltip) {
        svg.append("<path d=\"M ");
        for (int i = 0; i < points.length; i++) {
            svg.append(i == 2 ? " C " : i == 0 ? "" : " ").append(number(points[i]));
        }
        svg.append("\" fill=\"none\" stroke=\"")
                .append(hex(colour))
                .append("\" stroke-width=\"")
                .append(number(width));
        svg.append(tooltip.isEmpty() ? "\"/>\n" : "\"><title>" + Markup.escaped(tooltip) + "</title></path>\n");
    }

    @Override
    public void dot(double x, double y, double radius, int colour, String tooltip) {
        svg.append("<circle cx=\"")
                .append(number(x))
                .append("\" cy=\"")
                .append(number(y))
                .append("\" r=\"")
                .append(number(radius))
                .append("\" fill=\"")
                .append(hex(colour));
        svg.append(tooltip.isEmpty() ? "\"/>\n" : "\"><title>" + Markup.escaped(tooltip) + "</title></circle>\n");
    }

    @Override
    public void text(double x, double y, String text, int size, Anchor anchor, boolean rotated, int colour) {
        svg.append("<text x=\"")
                .append(number(x))
                .append("\" y=\"")
                .append(number(y))
                .append("\" font-size=\"")
                .append(size)
                .append("\" text-anchor=\"")
                .append(anchor.name().toLowerCase(Locale.ROOT))
                .append("\" fill=\"")
                .append(hex(colour));
        if (rotated) {
            svg.append("\" transform=\"rotate(-90 ")
                    .append(number(x))
                    .append(' ')
                    .append(number(y))
                    .append(')');
        }
        svg.append("\" xml:space=\"preserve\">").append(Markup.escaped(text)).append("</text>\n");
    }

    private static String number(double value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : String.format(Locale.ROOT, "%.2f", value);
    }

    private static String hex(int colour) {
        return String.format(Locale.ROOT, "#%06x", colour);
    }
}
