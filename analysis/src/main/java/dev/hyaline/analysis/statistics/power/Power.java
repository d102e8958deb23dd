package dev.hyaline.analysis.statistics.power;

import dev.hyaline.analysis.statistics.NoncentralT;
import dev.hyaline.engine.error.BadInputException;
import java.util.function.IntToDoubleFunction;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * The chance that a t test finds an effect that is there, exactly by the noncentral t distribution, and the sample size
 * that gives a wanted chance. A two-sided test's power counts both tails.
 *
 * <p>Assumes normal values. Of prompts in units of m the variance of the mean is sd² (1 + (m-1) ICC) / (G m), with G -
 * 1 degrees of freedom.
 *
 * <p>Source: Cohen (1988); Kish (1965); Browne (1995) for the upper bound of a pilot's spread.
 */
public final class Power {
    /** More units than this are not looked for. */
    public static final int MAX_UNITS = 1_000_000;

    /** The share of a pilot's upper bound: its spread is taken at 80%. */
    private static final double PILOT = 0.2;

    /** The sides of a test. */
    public enum Sides {
        ONE,
        TWO
    }

    private Power() {}

    /**
     * Power for a standardised effect mean / sd, in the predicted direction where the test has one side.
     *
     * @throws BadInputException if there are fewer than 2 values or alpha is not between 0 and 1
     */
    public static double ofT(double standardisedEffect, int n, double alpha, Sides sides) {
        return of(standardisedEffect * Math.sqrt(n), n - 1, alpha, sides);
    }

    /**
     * Power of the clustered test for an effect in the metric's unit, two-sided.
     *
     * @param intraclassCorrelation clipped to [0, 1]
     * @throws BadInputException if there are fewer than 2 units, sizes or spread are not above 0 or alpha is not
     *     between 0 and 1
     */
    public static double ofUnits(
            double effect, double sd, double intraclassCorrelation, int perUnit, int units, double alpha) {
        if (!(sd > 0) || perUnit < 1) {
            throw new BadInputException("power needs a spread above 0 and at least 1 prompt per unit, found spread "
                    + sd + " and " + perUnit + " prompts");
        }
        double alike = 1 + (perUnit - 1) * Math.clamp(intraclassCorrelation, 0.0, 1.0);
        double error = sd * Math.sqrt(alike / ((double) units * perUnit));
        return of(effect / error, units - 1, alpha, Sides.TWO);
    }

    /**
     * The smallest number of values with the wanted power.
     *
     * @throws BadInputException if the effect is 0 or so small that more than {@value #MAX_UNITS} are needed
     */
    public static int sampleSize(double standardisedEffect, double alpha, double power, Sides sides) {
        return smallest(n -> ofT(standardisedEffect, n, alpha, sides), power);
    }

    /**
     * The smallest number of units with the wanted power.
     *
     * @throws BadInputException if the effect is 0 or so small that more than {@value #MAX_UNITS} are needed
     */
    public static int unitsNeeded(
            double effect, double sd, double intraclassCorrelation, int perUnit, double alpha, double power) {
        return smallest(units -> ofUnits(effect, sd, intraclassCorrelation, perUnit, units, alpha), power);
    }

    /**
     * The upper 80% bound of the spread that a pilot of {@code n} values had, sd √((n-1) / χ²<sub>0.2</sub>): a small
     * pilot's own spread is too often too small.
     *
     * @throws BadInputException if there are fewer than 2 values or the spread is not above 0
     */
    public static double pilotBound(double sd, int n) {
        if (n < 2 || !(sd > 0)) {
            throw new BadInputException(
                    "a pilot has at least 2 values and a spread above 0, found " + n + " and spread " + sd);
        }
        double quantile = ChiSquaredDistribution.of(n - 1).inverseCumulativeProbability(PILOT);
        return sd * Math.sqrt((n - 1) / quantile);
    }

    private static double of(double noncentrality, int freedom, double alpha, Sides sides) {
        if (freedom < 1 || !(alpha > 0 && alpha < 1)) {
            throw new BadInputException("power needs at least 2 units and an alpha between 0 and 1, found "
                    + (freedom + 1) + " units and alpha " + alpha);
        }
        double tail = sides == Sides.TWO ? alpha / 2 : alpha;
        double bound = TDistribution.of(freedom).inverseSurvivalProbability(tail);
        // The upper tail is the lower one of the mirrored distribution, which keeps the digits of a small power.
        double above = NoncentralT.cumulative(-bound, freedom, -noncentrality);
        return sides == Sides.ONE ? above : above + NoncentralT.cumulative(-bound, freedom, noncentrality);
    }

    private static int smallest(IntToDoubleFunction powerOf, double wanted) {
        if (!(wanted > 0 && wanted < 1)) {
            throw new BadInputException("a wanted power lies between 0 and 1, found " + wanted);
        }
        int enough = 2;
        while (powerOf.applyAsDouble(enough) < wanted) {
            if (enough == MAX_UNITS) {
                throw new BadInputException("more than " + MAX_UNITS + " units would be needed for a power of " + wanted
                        + "; the effect is too small for its spread");
            }
            enough = Math.min(MAX_UNITS, 2 * enough);
        }
        int tooFew = Math.max(1, enough / 2);
        while (enough - tooFew > 1) {
            int middle = (enough + tooFew) / 2;
            if (powerOf.applyAsDouble(middle) < wanted) {
                tooFew = middle;
            } else {
                enough = middle;
            }
        }
        return enough;
    }
}
