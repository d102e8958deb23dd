package dev.hyaline.analysis.picture;

/** Round values along the axis of a plot. */
public final class AxisTicks {
    private AxisTicks() {}

    /** The distance of ticks: 1, 2 or 5 times a power of ten, of which a range has about as many as wanted. */
    public static double step(double range, int wanted) {
        double rough = range / wanted;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double digits = rough / power;
        return power * (digits < 1.5 ? 1 : digits < 3.5 ? 2 : digits < 7.5 ? 5 : 10);
    }
}
