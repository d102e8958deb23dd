package dev.hyaline.analysis.statistics;

/** A range of values; its confidence is said by what makes it. */
public record Interval(double low, double high) {

    /** The smallest interval that holds both. */
    public Interval hull(Interval other) {
        return new Interval(Math.min(low, other.low), Math.max(high, other.high));
    }

    /** Returns whether the value lies inside or on an end. */
    public boolean contains(double value) {
        return low <= value && value <= high;
    }

    public double width() {
        return high - low;
    }
}
