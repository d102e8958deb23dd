package dev.hyaline.analysis.statistics.power;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.Locale;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Bounds for looking at a study before its end: how alpha is spent over equally spaced looks, so that the chance of
 * ever crossing a bound under the null is alpha. Each side has half of it.
 *
 * <p>Assumes that z values of growing data behave as sums of independent normal increments. The bounds come from the
 * density of the sum that has not crossed yet, integrated numerically from look to look.
 *
 * <p>Source: Lan and DeMets (1983); Armitage, McPherson and Rowe (1969) for the recursion.
 */
public enum Spending {
    /**
     * Little early, almost all at the end: 2 (1 - Φ(z<sub>alpha/2</sub> / √t)) of each side's alpha (O'Brien and
     * Fleming).
     */
    OBRIEN_FLEMING {
        @Override
        double spent(double alpha, double share) {
            NormalDistribution normal = NormalDistribution.of(0, 1);
            return 2 * normal.survivalProbability(normal.inverseSurvivalProbability(alpha / 2) / Math.sqrt(share));
        }
    },
    /** About evenly: alpha log(1 + (e - 1) t) (Pocock). */
    POCOCK {
        @Override
        double spent(double alpha, double share) {
            return alpha * Math.log1p((Math.E - 1) * share);
        }
    };

    /** More looks than this are not planned for. */
    public static final int MAX_LOOKS = 50;

    private static final int PANELS = 1_000;

    /** Alpha of one side that may be spent once a share of the data is there. */
    abstract double spent(double alpha, double share);

    /**
     * The bound of |z| at each of equally spaced looks.
     *
     * @param alpha of both sides together
     * @throws BadInputException if there are not from 1 to {@value #MAX_LOOKS} looks or alpha is not between 0 and 1
     */
    public double[] bounds(int looks, double alpha) {
        if (looks < 1 || looks > MAX_LOOKS || !(alpha > 0 && alpha < 1)) {
            throw new BadInputException("bounds are for 1 to " + MAX_LOOKS
                    + " looks and an alpha between 0 and 1, found " + looks + " looks and alpha " + alpha);
        }
        NormalDistribution normal = NormalDistribution.of(0, 1);
        double[] bounds = new double[looks];
        // The sum after look k has variance k; places and their weighted densities within the bounds so far.
        double[] places = {0};
        double[] masses = {1};
        double before = 0;
        for (int k = 1; k <= looks; k++) {
            double spent = spent(alpha / 2, (double) k / looks);
            double crossing = spent - before;
            before = spent;
            double high = 40 * Math.sqrt(k);
            double low = 0;
            for (int i = 0; i < 200 && high - low > 1e-14 * high; i++) {
                double middle = 0.5 * (low + high);
                if (above(middle, places, masses, normal) > crossing) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            double bound = 0.5 * (low + high);
            bounds[k - 1] = bound / Math.sqrt(k);
            if (k < looks) {
                double[] next = grid(bound);
                double[] weights = weights(bound);
                double[] density = new double[next.length];
                for (int i = 0; i < next.length; i++) {
                    double sum = 0;
                    for (int j = 0; j < places.length; j++) {
                        sum += masses[j] * normal.density(next[i] - places[j]);
                    }
                    density[i] = sum * weights[i];
                }
                places = next;
                masses = density;
            }
        }
        return bounds;
    }

    private static double above(double bound, double[] places, double[] masses, NormalDistribution normal) {
        double sum = 0;
        for (int j = 0; j < places.length; j++) {
            sum += masses[j] * normal.survivalProbability(bound - places[j]);
        }
        return sum;
    }

    private static double[] grid(double bound) {
        double[] places = new double[PANELS + 1];
        for (int i = 0; i <= PANELS; i++) {
            places[i] = bound * (2.0 * i / PANELS - 1);
        }
        return places;
    }

    /** Simpson's weights from -bound to bound. */
    private static double[] weights(double bound) {
        double[] weights = new double[PANELS + 1];
        double step = 2 * bound / PANELS;
        Arrays.setAll(weights, i -> step / 3 * (i == 0 || i == PANELS ? 1 : i % 2 == 1 ? 4 : 2));
        return weights;
    }

    /** The name in lower case with hyphens. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
