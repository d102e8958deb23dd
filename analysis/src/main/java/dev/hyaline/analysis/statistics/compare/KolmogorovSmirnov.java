package dev.hyaline.analysis.statistics.compare;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The two-sample test of Kolmogorov and Smirnov: D, the largest distance of the two empirical distributions.
 *
 * <p>Assumes independent values of one continuous distribution under the null. The two-sided p is exact, by counting
 * the paths on the lattice that stay below D; with ties between or within the samples it would be too large, and there
 * is none.
 *
 * <p>Source: Hodges (1957).
 *
 * @param ties whether any two values are equal
 * @param exactP null with ties
 */
public record KolmogorovSmirnov(
        double d, boolean ties, @Nullable Double exactP) {

    /**
     * Tests two samples.
     *
     * @throws BadInputException if a sample is empty, or a value is not finite
     */
    public static KolmogorovSmirnov test(double[] x, double[] y) {
        MeanDifference.requireFinite(x, y);
        double[] first = x.clone();
        double[] second = y.clone();
        Arrays.sort(first);
        Arrays.sort(second);
        int nx = first.length;
        int ny = second.length;
        int i = 0;
        int j = 0;
        long largest = 0;
        boolean ties = false;
        while (i < nx || j < ny) {
            double value = j == ny || (i < nx && first[i] <= second[j]) ? first[i] : second[j];
            int before = i + j;
            while (i < nx && first[i] == value) {
                i++;
            }
            while (j < ny && second[j] == value) {
                j++;
            }
            ties |= i + j - before > 1;
            largest = Math.max(largest, Math.abs((long) i * ny - (long) j * nx));
        }
        return new KolmogorovSmirnov(
                (double) largest / ((double) nx * ny), ties, ties ? null : atLeast(nx, ny, largest));
    }

    /**
     * The chance that a random path from (0, 0) to (nx, ny) comes as far from the diagonal as {@code distance} / (nx
     * ny): at each point the chance of having been that far already, the last step's chances being i / (i + j) and j /
     * (i + j) by symmetry.
     */
    private static double atLeast(int nx, int ny, long distance) {
        double[] reached = new double[ny + 1];
        for (int i = 0; i <= nx; i++) {
            for (int j = 0; j <= ny; j++) {
                if (Math.abs((long) i * ny - (long) j * nx) >= distance) {
                    reached[j] = 1;
                } else if (i + j == 0) {
                    reached[j] = 0;
                } else {
                    double fromX = i == 0 ? 0 : reached[j] * i;
                    double fromY = j == 0 ? 0 : reached[j - 1] * j;
                    reached[j] = (fromX + fromY) / (i + j);
                }
            }
        }
        return reached[ny];
    }
}
