package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.CounterRandom;
import java.util.Optional;

/**
 * Faithfulness of a circuit: f = (mean circuit - mean empty) / (mean full - mean empty), the ratio of the means, never
 * a mean of ratios. Beside it always stands the mean absolute gap, mean |circuit - full| per prompt: gains and losses
 * that cancel make a false f.
 *
 * <p>A claim "f ≥ bound" is tested as a linear contrast, {@link #contrast}, by {@link SignFlip}; the interval is the
 * hull of the bootstrap's BCa of the ratio and Fieller's.
 *
 * <p>Source: Fieller (1954), with the clustered variance and G - 1 degrees of freedom.
 */
public final class Ratio {
    private final double[] gained;
    private final double[] gap;
    private final double meanAbsoluteGap;
    private final Units units;

    private Ratio(double[] gained, double[] gap, double meanAbsoluteGap, Units units) {
        this.gained = gained;
        this.gap = gap;
        this.meanAbsoluteGap = meanAbsoluteGap;
        this.units = units;
    }

    /**
     * Faithfulness from the metric of each prompt.
     *
     * @param full of the whole model
     * @param empty with every component ablated
     * @param circuit with only the circuit kept
     * @throws BadInputException if there is not one finite value of each per prompt, or the mean gap is 0
     */
    public static Ratio of(double[] full, double[] empty, double[] circuit, Units units) {
        units.sums(full);
        units.sums(empty);
        units.sums(circuit);
        double[] gained = new double[full.length];
        double[] gap = new double[full.length];
        double absolute = 0;
        for (int i = 0; i < full.length; i++) {
            gained[i] = circuit[i] - empty[i];
            gap[i] = full[i] - empty[i];
            absolute += Math.abs(circuit[i] - full[i]);
        }
        if (Math.abs(Sums.of(gap)) <= Sums.tolerance(gap)) {
            throw new BadInputException("the mean of the whole model is that with every component ablated;"
                    + " there is no gap to be faithful to");
        }
        return new Ratio(gained, gap, absolute / full.length, units);
    }

    /** f. */
    public double value() {
        return Sums.of(gained) / Sums.of(gap);
    }

    /** Mean |circuit - full|, in the metric's unit. */
    public double meanAbsoluteGap() {
        return meanAbsoluteGap;
    }

    /**
     * (circuit - empty) - bound (full - empty) of each prompt: its mean is at least 0 where f is at least the bound.
     */
    public double[] contrast(double bound) {
        double[] contrast = new double[gained.length];
        for (int i = 0; i < contrast.length; i++) {
            contrast[i] = gained[i] - bound * gap[i];
        }
        return contrast;
    }

    /** The bootstrap of f. */
    public Bootstrap bootstrap(int replicates, CounterRandom random) {
        return Bootstrap.ofRatio(gained, gap, units, replicates, random);
    }

    /**
     * Fieller's interval: the f for which the contrast's t value is within the quantiles. Empty with one unit, or where
     * the gap itself is not clearly different from 0 and the interval would not be bounded.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Optional<Interval> fieller(double tail) {
        TTest.requireTail(tail);
        int groups = units.count();
        if (groups < 2) {
            return Optional.empty();
        }
        double n = units.prompts();
        double above = Sums.of(gained) / n;
        double below = Sums.of(gap) / n;
        double[] u = units.sums(gained, above);
        double[] v = units.sums(gap, below);
        double uu = 0;
        double uv = 0;
        double vv = 0;
        for (int g = 0; g < groups; g++) {
            uu += u[g] * u[g];
            uv += u[g] * v[g];
            vv += v[g] * v[g];
        }
        double factor = groups / (groups - 1.0) / n / n;
        double t = new TTest(0, 1, groups - 1, 0).interval(tail).high();
        double a = below * below - t * t * factor * vv;
        double b = above * below - t * t * factor * uv;
        double c = above * above - t * t * factor * uu;
        double discriminant = b * b - a * c;
        if (a <= 0 || discriminant < 0) {
            return Optional.empty();
        }
        double root = Math.sqrt(discriminant);
        return Optional.of(new Interval((b - root) / a, (b + root) / a));
    }

    /**
     * The interval to state: the hull of the BCa (or percentile) and Fieller's. Empty with fewer than
     * {@value VerdictInterval#MIN_UNITS} units or where Fieller's is not bounded.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2, or no replicate is asked for
     */
    public Optional<Interval> interval(double tail, int replicates, CounterRandom random) {
        if (units.count() < VerdictInterval.MIN_UNITS) {
            return Optional.empty();
        }
        Bootstrap bootstrap = bootstrap(replicates, random);
        return fieller(tail)
                .map(fieller ->
                        bootstrap.bca(tail).orElse(bootstrap.percentile(tail)).hull(fieller));
    }

    @Override
    public String toString() {
        return "ratio of " + Printable.plural(gap.length, "prompt") + ", mean absolute gap " + (float) meanAbsoluteGap;
    }
}
