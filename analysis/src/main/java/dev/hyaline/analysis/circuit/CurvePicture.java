package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.picture.AxisTicks;
import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.List;
import java.util.Locale;

/**
 * A plot of faithfulness by the share of the edges that is kept, a line for each curve, such as a method's and the
 * random control's. The shares are on a logarithmic scale: what matters happens in the first hundredths.
 */
public final class CurvePicture implements Picture {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 400;
    private static final int LEFT = 62;
    private static final int RIGHT = 24;
    private static final int TOP = 78;
    private static final int BOTTOM = 54;
    private static final int FONT = 11;
    private static final int[] COLOURS = {0x2F6FDE, 0x999999, 0xC71585, 0x2E8B57, 0xE08214, 0x7B3FA0, 0x008B8B, 0x8C6D1F
    };
    private static final double[] MARKS = {.001, .01, .1, 1};

    private final String title;
    private final List<CircuitCurve> curves;
    private final double least;
    private final double most;

    private CurvePicture(String title, List<CircuitCurve> curves) {
        if (curves.isEmpty() || curves.size() > COLOURS.length) {
            throw new BadInputException("a plot has from 1 to " + COLOURS.length + " curves, found " + curves.size());
        }
        this.title = title;
        this.curves = List.copyOf(curves);
        double low = 0;
        double high = 1;
        for (CircuitCurve curve : curves) {
            for (CircuitCurve.Point point : curve.points()) {
                low = Math.min(low, point.faithfulness());
                high = Math.max(high, point.faithfulness());
            }
        }
        least = low;
        most = high + 0.05 * (high - low);
    }

    /** Lays a plot out. */
    public static CurvePicture of(String title, List<CircuitCurve> curves) {
        return new CurvePicture(title, curves);
    }

    @Override
    public int width() {
        return WIDTH;
    }

    @Override
    public int height() {
        return HEIGHT;
    }

    @Override
    public void draw(Canvas canvas) {
        canvas.text(14, 24, title, 14, Anchor.START, false, Canvas.INK);
        double step = AxisTicks.step(most - least, 6);
        for (double y = Math.ceil(least / step) * step; y <= most; y += step) {
            canvas.line(LEFT, y(y), WIDTH - RIGHT, y(y), Math.abs(y - 1) < step / 2 ? 1.2 : 0.8, Canvas.GRID, "");
            canvas.text(
                    LEFT - 6,
                    y(y) + 4,
                    String.format(Locale.ROOT, step < 0.1 ? "%.2f" : "%.1f", y).replace("-0.0", "0.0"),
                    FONT,
                    Anchor.END,
                    false,
                    Canvas.INK);
        }
        for (double mark : MARKS) {
            canvas.line(x(mark), TOP, x(mark), HEIGHT - BOTTOM, 0.8, Canvas.GRID, "");
            canvas.text(
                    x(mark),
                    HEIGHT - BOTTOM + 16,
                    String.format(
                            Locale.ROOT, "%s %%", mark * 100 == Math.rint(mark * 100) ? (long) (mark * 100) : "0.1"),
                    FONT,
                    Anchor.MIDDLE,
                    false,
                    Canvas.INK);
        }
        canvas.text(
                (LEFT + WIDTH - RIGHT) / 2.0,
                HEIGHT - 14,
                "edges asked for, of all",
                FONT,
                Anchor.MIDDLE,
                false,
                Canvas.PALE_INK);
        canvas.text(18, (TOP + HEIGHT - BOTTOM) / 2.0, "faithfulness", FONT, Anchor.MIDDLE, true, Canvas.PALE_INK);
        double legend = LEFT;
        for (int c = 0; c < curves.size(); c++) {
            CircuitCurve curve = curves.get(c);
            String name = curve.method() + ", " + curve.selection();
            if (legend + 30 + name.length() * 6 > WIDTH - RIGHT && legend > LEFT) {
                legend = LEFT;
            }
            double y = 46 + 14.0 * Math.floorDiv(c, 3);
            legend = c % 3 == 0 ? LEFT : legend;
            canvas.line(legend, y - 4, legend + 18, y - 4, 2.4, COLOURS[c], "");
            canvas.text(legend + 23, y, name, FONT, Anchor.START, false, Canvas.INK);
            legend += 44 + name.length() * 6;
            line(canvas, curve, COLOURS[c]);
        }
    }

    private void line(Canvas canvas, CircuitCurve curve, int colour) {
        List<CircuitCurve.Point> points = curve.points();
        for (int i = 0; i < points.size(); i++) {
            CircuitCurve.Point point = points.get(i);
            double x = x(point.fraction());
            double y = y(point.faithfulness());
            if (i > 0) {
                CircuitCurve.Point before = points.get(i - 1);
                canvas.line(x(before.fraction()), y(before.faithfulness()), x, y, 2, colour, "");
            }
            canvas.rectangle(
                    x - 2.5,
                    y - 2.5,
                    5,
                    5,
                    colour,
                    String.format(
                            Locale.ROOT,
                            "%s: %d edges, faithfulness %.3f",
                            curve.method(),
                            point.kept(),
                            point.faithfulness()));
        }
    }

    private static double x(double fraction) {
        double share = Math.log10(fraction / MARKS[0]) / Math.log10(1 / MARKS[0]);
        return LEFT + Math.clamp(share, 0, 1) * (WIDTH - LEFT - RIGHT);
    }

    private double y(double faithfulness) {
        return HEIGHT - BOTTOM - (faithfulness - least) / (most - least) * (HEIGHT - TOP - BOTTOM);
    }

    @Override
    public String toString() {
        return "picture of " + Printable.plural(curves.size(), "curve") + ": " + title;
    }
}
