package dev.hyaline.analysis.statistics;

import dev.hyaline.engine.error.BadInputException;
import org.apache.commons.numbers.gamma.LogGamma;
import org.apache.commons.numbers.gamma.RegularizedBeta;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * The noncentral t distribution, that of (Z + δ) / √(χ²<sub>ν</sub>/ν): the distribution of a t value when there is an
 * effect.
 *
 * <p>For t ≥ 0, with x = t²/(t² + ν), P(T ≤ t) = Φ(-δ) + ½ Σ<sub>j</sub> (p<sub>j</sub> I<sub>x</sub>(j + ½, ν/2) +
 * q<sub>j</sub> I<sub>x</sub>(j + 1, ν/2)), p<sub>j</sub> and q<sub>j</sub> the Poisson weights of δ²/2 at j and, with
 * δ's sign, at j + ½. Terms are added from the largest weight outwards, so that a large δ does not underflow.
 *
 * <p>Source: Lenth (1989), algorithm AS 243.
 */
public final class NoncentralT {
    private static final double NEGLIGIBLE = 1e-20;

    private NoncentralT() {}

    /**
     * P(T ≤ t).
     *
     * @throws BadInputException if the degrees of freedom are not above 0, or t or the noncentrality is not finite
     */
    public static double cumulative(double t, double degreesOfFreedom, double noncentrality) {
        if (!(degreesOfFreedom > 0) || !Double.isFinite(t) || !Double.isFinite(noncentrality)) {
            throw new BadInputException(
                    "noncentral t needs a finite t and noncentrality and degrees of freedom above 0," + " found t " + t
                            + ", noncentrality " + noncentrality + " and " + degreesOfFreedom);
        }
        if (0.5 * noncentrality * noncentrality == 0) {
            return TDistribution.of(degreesOfFreedom).cumulativeProbability(t);
        }
        double p = t >= 0
                ? ofPositive(t, degreesOfFreedom, noncentrality)
                : 1 - ofPositive(-t, degreesOfFreedom, -noncentrality);
        return Math.clamp(p, 0.0, 1.0);
    }

    private static double ofPositive(double t, double freedom, double delta) {
        double below = NormalDistribution.of(0, 1).cumulativeProbability(-delta);
        if (t == 0) {
            return below;
        }
        double x = t * t / (t * t + freedom);
        double rate = 0.5 * delta * delta;
        int mode = (int) rate;
        double sum = 0;
        for (int j = mode; j >= 0; j--) {
            double term = term(j, x, freedom, rate, delta);
            sum += term;
            if (negligible(j, rate)) {
                break;
            }
        }
        for (int j = mode + 1; !negligible(j, rate); j++) {
            sum += term(j, x, freedom, rate, delta);
        }
        return below + 0.5 * sum;
    }

    private static boolean negligible(int j, double rate) {
        return logWeight(j, rate) < Math.log(NEGLIGIBLE);
    }

    /** Logarithm of the Poisson weight at a place that may lie between whole numbers. */
    private static double logWeight(double j, double rate) {
        return j * Math.log(rate) - rate - LogGamma.value(j + 1);
    }

    private static double term(int j, double x, double freedom, double rate, double delta) {
        double even = Math.exp(logWeight(j, rate)) * RegularizedBeta.value(x, j + 0.5, freedom / 2);
        double odd = Math.exp(logWeight(j + 0.5, rate)) * RegularizedBeta.value(x, j + 1.0, freedom / 2);
        return even + Math.copySign(odd, delta);
    }

    /**
     * The noncentrality under which P(T ≤ t) is {@code probability}, by bisection to the last digits.
     *
     * @throws BadInputException if the degrees of freedom are not above 0, t is not finite or the probability is not
     *     between 0 and 1
     */
    public static double noncentrality(double t, double degreesOfFreedom, double probability) {
        if (!(probability > 0 && probability < 1)) {
            throw new BadInputException("a probability to invert lies between 0 and 1, found " + probability);
        }
        // P falls as the noncentrality rises.
        double reach = 1;
        while (cumulative(t, degreesOfFreedom, t - reach) < probability) {
            reach *= 2;
        }
        double low = t - reach;
        reach = 1;
        while (cumulative(t, degreesOfFreedom, t + reach) > probability) {
            reach *= 2;
        }
        double high = t + reach;
        for (int i = 0; i < 60 && high - low > 1e-13 * Math.max(1, Math.abs(low)); i++) {
            double middle = 0.5 * (low + high);
            if (cumulative(t, degreesOfFreedom, middle) > probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return 0.5 * (low + high);
    }
}
