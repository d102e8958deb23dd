package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;

/**
 * The sign-flip test of "the mean is 0", the laboratory's primary test. With S<sub>g</sub> the sum of unit g, the
 * statistic is T = Σ S<sub>g</sub>, and its null distribution that of Σ s<sub>g</sub> S<sub>g</sub> over all signs
 * s<sub>g</sub> = ±1.
 *
 * <p>Assumes that under the null a unit's sum is as likely with either sign: symmetry about the null value. With few
 * and skewed units it is liberal; {@link VerdictInterval} guards against that. Up to {@value #MAX_EXACT_UNITS} units
 * all 2<sup>G</sup> signs are counted, the observed ones included, and p = count / 2<sup>G</sup>; beyond,
 * {@value #DRAWS} draws b of signs, and p = (1 + count) / (draws + 1), which is never 0. Units whose sum is 0 stay in.
 * Sums that differ by at most 1e-12 of Σ|S<sub>g</sub>| are equal, so ties count as "at least as large". Two-sided p
 * are by |T|.
 *
 * <p>Source: Fisher, The Design of Experiments (1935), section 21; Phipson and Smyth (2010) for the drawn p.
 *
 * @param exact whether all signs were counted
 * @param units number of units
 * @param statistic T
 * @param total signs counted: 2<sup>G</sup>, or draws + 1 with the observed
 * @param twoSided how many have |T| at least as large
 * @param greater how many have T at least as large
 * @param less how many have T at most as large
 */
public record SignFlip(boolean exact, int units, double statistic, long total, long twoSided, long greater, long less) {

    /** Draws of signs where they are not all counted. */
    public static final int DRAWS = 9_999;

    /** Up to this many units all signs are counted. */
    public static final int MAX_EXACT_UNITS = 20;

    /**
     * Tests that the mean is 0.
     *
     * @param random the numbers of this quantity alone, {@code CounterRandom.of(seed).named(label)}
     * @throws BadInputException if there is not one finite value per prompt
     */
    public static SignFlip test(double[] values, Units units, CounterRandom random) {
        return ofSums(units.sums(values), random);
    }

    /**
     * Tests that the mean is {@code bound}: the same test on S<sub>g</sub> - n<sub>g</sub> bound. Its {@code greater}
     * side is the minimum-effect test, by which a claim of "at least so much" is judged.
     *
     * @throws BadInputException if there is not one finite value per prompt
     */
    public static SignFlip minimumEffect(double[] values, Units units, double bound, CounterRandom random) {
        return ofSums(units.sums(values, bound), random);
    }

    private static SignFlip ofSums(double[] sums, CounterRandom random) {
        return sums.length <= MAX_EXACT_UNITS ? exact(sums) : drawn(sums, random);
    }

    /** The p values. */
    public PValues p() {
        return new PValues((double) twoSided / total, (double) greater / total, (double) less / total);
    }

    /** The smallest one-sided p that so many units can give. */
    public double smallestOneSided() {
        return 1.0 / total;
    }

    /** The smallest two-sided p that so many units can give. */
    public double smallestTwoSided() {
        return exact ? Math.min(1, 2.0 / total) : 1.0 / total;
    }

    /**
     * Counts sums of one half's signs and the other's, by two pointers on the sorted halves: 2<sup>G/2</sup> steps
     * instead of 2<sup>G</sup>.
     */
    private static SignFlip exact(double[] sums) {
        double statistic = Sums.of(sums);
        double tolerance = Sums.tolerance(sums);
        int half = sums.length / 2;
        double[] first = signedSums(Arrays.copyOfRange(sums, 0, half));
        double[] second = signedSums(Arrays.copyOfRange(sums, half, sums.length));
        long total = 1L << sums.length;
        double extreme = Math.abs(statistic) - tolerance;
        // All signs come with their opposites, so the lower tail is as large as the upper.
        long twoSided = extreme <= 0 ? total : 2 * atLeast(first, second, extreme);
        return new SignFlip(
                true,
                sums.length,
                statistic,
                total,
                twoSided,
                atLeast(first, second, statistic - tolerance),
                atLeast(first, second, -statistic - tolerance));
    }

    private static double[] signedSums(double[] terms) {
        double[] signed = new double[1 << terms.length];
        for (int signs = 0; signs < signed.length; signs++) {
            double sum = 0;
            for (int i = 0; i < terms.length; i++) {
                sum += (signs >> i & 1) == 0 ? terms[i] : -terms[i];
            }
            signed[signs] = sum;
        }
        Arrays.sort(signed);
        return signed;
    }

    private static long atLeast(double[] first, double[] second, double bound) {
        long count = 0;
        int from = second.length;
        for (double sum : first) {
            while (from > 0 && sum + second[from - 1] >= bound) {
                from--;
            }
            count += second.length - from;
        }
        return count;
    }

    private static SignFlip drawn(double[] sums, CounterRandom random) {
        double statistic = Sums.of(sums);
        double tolerance = Sums.tolerance(sums);
        double[] table = byteTable(sums);
        int words = (sums.length + 63) / 64;
        long twoSided = 1;
        long greater = 1;
        long less = 1;
        for (int b = 0; b < DRAWS; b++) {
            // A method of its own, which is compiled before the first cell of a table is done.
            double sum = sum(table, words, random.with(b));
            twoSided += Math.abs(sum) >= Math.abs(statistic) - tolerance ? 1 : 0;
            greater += sum >= statistic - tolerance ? 1 : 0;
            less += sum <= statistic + tolerance ? 1 : 0;
        }
        return new SignFlip(false, sums.length, statistic, DRAWS + 1L, twoSided, greater, less);
    }

    private static double sum(double[] table, int words, CounterRandom draw) {
        double sum = 0;
        int entry = 0;
        for (int word = 0; word < words; word++) {
            long signs = draw.bits(word);
            for (int part = 0; part < 8 && entry < table.length; part++, entry += 256) {
                sum += table[entry + (int) ((signs >>> (8 * part)) & 0xFF)];
            }
        }
        return sum;
    }

    /** The signed sum of each eight units for each byte of signs, so that a draw adds one number for eight. */
    private static double[] byteTable(double[] sums) {
        int groups = (sums.length + 7) / 8;
        double[] table = new double[256 * groups];
        for (int group = 0; group < groups; group++) {
            int first = 8 * group;
            int end = Math.min(sums.length, first + 8);
            for (int signs = 0; signs < 256; signs++) {
                double sum = 0;
                for (int i = first; i < end; i++) {
                    sum += (signs >> (i - first) & 1) == 0 ? sums[i] : -sums[i];
                }
                table[256 * group + signs] = sum;
            }
        }
        return table;
    }
}
