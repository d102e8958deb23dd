package dev.hyaline.analysis.statistics;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Adjusted p values of a family of tests. Primary claims take {@link #HOLM}; a scan over components takes
 * {@link #BENJAMINI_HOCHBERG}, which nominates and does not confirm. p that tie keep the order of the input, which
 * changes no adjusted value.
 */
public enum Adjustment {
    /** p m, at most 1: controls the chance of any false rejection, however tests depend. */
    BONFERRONI {
        @Override
        double[] ofRising(double[] p) {
            return Arrays.stream(p).map(value -> value * p.length).toArray();
        }
    },
    /** Holm's step-down, the running maximum of p (m - rank + 1): as {@link #BONFERRONI}, never larger (Holm 1979). */
    HOLM {
        @Override
        double[] ofRising(double[] p) {
            double[] adjusted = new double[p.length];
            double largest = 0;
            for (int i = 0; i < p.length; i++) {
                largest = Math.max(largest, p[i] * (p.length - i));
                adjusted[i] = largest;
            }
            return adjusted;
        }
    },
    /**
     * The step-up of Benjamini and Hochberg (1995), the running minimum from above of p m / rank: controls the share of
     * false ones among the rejected, where tests are independent or positively dependent.
     */
    BENJAMINI_HOCHBERG {
        @Override
        double[] ofRising(double[] p) {
            return stepUp(p, 1);
        }
    },
    /** The same times Σ 1/i: however tests depend (Benjamini and Yekutieli 2001). */
    BENJAMINI_YEKUTIELI {
        @Override
        double[] ofRising(double[] p) {
            double harmonic = 0;
            for (int i = 1; i <= p.length; i++) {
                harmonic += 1.0 / i;
            }
            return stepUp(p, harmonic);
        }
    };

    /** Adjusted values, not yet held to 1, of rising p. */
    abstract double[] ofRising(double[] p);

    /**
     * Adjusts a family, in the order given; an empty one has none.
     *
     * @throws BadInputException if a p is not in [0, 1], naming it
     */
    public double[] adjust(double[] p) {
        for (int i = 0; i < p.length; i++) {
            if (!(p[i] >= 0 && p[i] <= 1)) {
                throw new BadInputException("p value " + i + " of the family is " + p[i] + ", not in [0, 1]");
            }
        }
        int[] order = IntStream.range(0, p.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> p[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        double[] rising = ofRising(Arrays.stream(order).mapToDouble(i -> p[i]).toArray());
        double[] adjusted = new double[p.length];
        for (int i = 0; i < order.length; i++) {
            adjusted[order[i]] = Math.min(1, rising[i]);
        }
        return adjusted;
    }

    private static double[] stepUp(double[] p, double factor) {
        double[] adjusted = new double[p.length];
        double smallest = Double.POSITIVE_INFINITY;
        for (int i = p.length - 1; i >= 0; i--) {
            // In this order p times 1 stays p.
            smallest = Math.min(smallest, p[i] * (p.length * factor / (i + 1)));
            adjusted[i] = smallest;
        }
        return adjusted;
    }

    /** The name in words, such as {@code Benjamini-Hochberg}. */
    @Override
    public String toString() {
        return Arrays.stream(name().split("_", -1))
                .map(word -> word.charAt(0) + word.substring(1).toLowerCase(Locale.ROOT))
                .collect(Collectors.joining("-"));
    }
}
