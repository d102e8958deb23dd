package dev.hyaline.tools.report;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.TTest;
import dev.hyaline.analysis.statistics.Units;
import java.util.Optional;

/**
 * The 95 % interval of a mean over pairs of prompts, by their units where they are known; both ends are NaN where there
 * is none.
 */
record MeanInterval(double low, double high) {
    private static final double TAIL = 0.025;

    static MeanInterval of(double[] values, PromptPairs pairs) {
        Units units = pairs.units().orElse(Units.each(values.length));
        Optional<Interval> interval = TTest.of(values, units).map(test -> test.interval(TAIL));
        return new MeanInterval(
                interval.map(Interval::low).orElse(Double.NaN),
                interval.map(Interval::high).orElse(Double.NaN));
    }

    static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    private boolean isKnown() {
        return !Double.isNaN(low);
    }

    /** Two columns, each after a comma. */
    String csv() {
        return isKnown() ? "," + low + "," + high : ",,";
    }

    @Override
    public String toString() {
        return isKnown() ? TableView.figure(low) + " to " + TableView.figure(high) : "-";
    }
}
