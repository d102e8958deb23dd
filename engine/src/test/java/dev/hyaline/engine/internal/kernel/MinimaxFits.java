package dev.hyaline.engine.internal.kernel;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The fits that the coefficients of {@link ScalarMath} are: polynomials whose largest weighted error is least, by the
 * exchange algorithm of Remez on evenly spaced points, in 50 digits, rounded to floats.
 */
final class MinimaxFits {
    private static final MathContext MC = new MathContext(50);
    private static final BigDecimal ONE = BigDecimal.ONE;
    /** Smaller terms of a series change none of its digits. */
    private static final BigDecimal TINY = new BigDecimal("1e-52");

    private static final BigDecimal TWO = BigDecimal.TWO;
    private static final BigDecimal PI =
            new BigDecimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899");
    private static final BigDecimal LN_2 =
            new BigDecimal("0.693147180559945309417232121458176568075500134360255254120680009493393621969694716");
    private static final BigDecimal ERF_SLOPE = TWO.divide(PI.sqrt(MC), MC);

    /** Steps of the evenly spaced points on which the largest error is least. */
    private static final int GRID = 2000;

    private MinimaxFits() {}

    /** EXP_2 to EXP_7: {@code (exp(r) - 1 - r) / r^2}, a little past the half of ln 2 that a remainder can reach. */
    static float[] exp() {
        BigDecimal end = LN_2.multiply(new BigDecimal("0.501"));
        return fit(MinimaxFits::expTail, r -> ONE, end.negate(), end, 5);
    }

    /** ERF_S0 to ERF_S6: {@code erf(x) / x - 1} in powers of {@code x^2}, by the relative error of erf. */
    static float[] smallErf() {
        return fit(s -> erfOverX(s).subtract(ONE), s -> ONE.divide(erfOverX(s), MC), BigDecimal.ZERO, ONE, 6);
    }

    /** ERF_L0 to ERF_L7: {@code ln(erfc(x))}, by the relative error of erf. */
    static float[] largeErf() {
        return fit(
                x -> ln(ONE.subtract(erf(x), MC)),
                x -> ONE.subtract(erf(x), MC).divide(erf(x), MC),
                ONE,
                BigDecimal.valueOf(4),
                7);
    }

    /** The coefficients, from the constant on. */
    private static float[] fit(
            UnaryOperator<BigDecimal> f, UnaryOperator<BigDecimal> weight, BigDecimal from, BigDecimal to, int degree) {
        List<BigDecimal> grid = new ArrayList<>();
        for (int i = 0; i <= GRID; i++) {
            BigDecimal part = BigDecimal.valueOf(i).divide(BigDecimal.valueOf(GRID), MC);
            grid.add(from.add(to.subtract(from).multiply(part, MC), MC));
        }
        List<BigDecimal> values = grid.stream().map(f).toList();
        List<BigDecimal> weights = grid.stream().map(weight).toList();
        List<BigDecimal> reference = new ArrayList<>();
        for (int i = 0; i <= degree + 1; i++) {
            reference.add(chebyshev(from, to, i, degree + 1));
        }
        BigDecimal[] polynomial = {};
        for (int exchange = 0; exchange < 8; exchange++) {
            polynomial = levelled(f, weight, reference, degree);
            double[] error = new double[GRID + 1];
            for (int i = 0; i <= GRID; i++) {
                error[i] = values.get(i)
                        .subtract(at(polynomial, grid.get(i)))
                        .multiply(weights.get(i), MC)
                        .doubleValue();
            }
            reference = extrema(grid, error, degree + 2);
        }
        float[] coefficients = new float[degree + 1];
        for (int i = 0; i <= degree; i++) {
            coefficients[i] = polynomial[i].floatValue();
        }
        return coefficients;
    }

    private static BigDecimal chebyshev(BigDecimal from, BigDecimal to, int i, int n) {
        BigDecimal part = new BigDecimal((1 - Math.cos(Math.PI * i / n)) / 2);
        return from.add(to.subtract(from).multiply(part, MC), MC);
    }

    /** The polynomial whose weighted errors at the reference are equal but for alternating signs. */
    private static BigDecimal[] levelled(
            UnaryOperator<BigDecimal> f, UnaryOperator<BigDecimal> weight, List<BigDecimal> reference, int degree) {
        int n = degree + 2;
        BigDecimal[][] rows = new BigDecimal[n][n + 1];
        for (int i = 0; i < n; i++) {
            BigDecimal x = reference.get(i);
            rows[i][0] = ONE;
            for (int power = 1; power <= degree; power++) {
                rows[i][power] = rows[i][power - 1].multiply(x, MC);
            }
            rows[i][degree + 1] = BigDecimal.valueOf(i % 2 == 0 ? 1 : -1).divide(weight.apply(x), MC);
            rows[i][n] = f.apply(x);
        }
        for (int column = 0; column < n; column++) {
            int pivot = column;
            for (int i = column + 1; i < n; i++) {
                pivot = rows[i][column].abs().compareTo(rows[pivot][column].abs()) > 0 ? i : pivot;
            }
            BigDecimal[] swapped = rows[pivot];
            rows[pivot] = rows[column];
            rows[column] = swapped;
            for (int i = 0; i < n; i++) {
                if (i != column) {
                    BigDecimal factor = rows[i][column].divide(swapped[column], MC);
                    for (int j = column; j <= n; j++) {
                        rows[i][j] = rows[i][j].subtract(factor.multiply(swapped[j], MC), MC);
                    }
                }
            }
        }
        BigDecimal[] polynomial = new BigDecimal[degree + 1];
        for (int i = 0; i <= degree; i++) {
            polynomial[i] = rows[i][n].divide(rows[i][i], MC);
        }
        return polynomial;
    }

    /** The point of largest error in each stretch of one sign. */
    private static List<BigDecimal> extrema(List<BigDecimal> grid, double[] error, int wanted) {
        List<Integer> peaks = new ArrayList<>();
        int peak = 0;
        for (int i = 1; i < error.length; i++) {
            if (Math.signum(error[i]) != Math.signum(error[peak])) {
                peaks.add(peak);
                peak = i;
            } else if (Math.abs(error[i]) > Math.abs(error[peak])) {
                peak = i;
            }
        }
        peaks.add(peak);
        while (peaks.size() > wanted) {
            if (Math.abs(error[peaks.getFirst()]) < Math.abs(error[peaks.getLast()])) {
                peaks.removeFirst();
            } else {
                peaks.removeLast();
            }
        }
        if (peaks.size() < wanted) {
            throw new IllegalStateException("the error has " + peaks.size() + " extrema, expected " + wanted);
        }
        return peaks.stream().map(grid::get).toList();
    }

    private static BigDecimal at(BigDecimal[] polynomial, BigDecimal x) {
        BigDecimal value = BigDecimal.ZERO;
        for (int i = polynomial.length - 1; i >= 0; i--) {
            value = value.multiply(x, MC).add(polynomial[i], MC);
        }
        return value;
    }

    private static BigDecimal expTail(BigDecimal r) {
        BigDecimal sum = BigDecimal.ZERO;
        BigDecimal term = new BigDecimal("0.5");
        for (int n = 3; term.abs().compareTo(TINY) > 0; n++) {
            sum = sum.add(term, MC);
            term = term.multiply(r, MC).divide(BigDecimal.valueOf(n), MC);
        }
        return sum;
    }

    /** {@code erf(x) / x} of {@code s = x^2}, by its Maclaurin series. */
    private static BigDecimal erfOverX(BigDecimal s) {
        BigDecimal sum = BigDecimal.ZERO;
        BigDecimal term = ONE;
        for (int n = 1; term.abs().compareTo(TINY) > 0; n++) {
            sum = sum.add(term.divide(BigDecimal.valueOf(2 * n - 1), MC), MC);
            term = term.multiply(s, MC).divide(BigDecimal.valueOf(-n), MC);
        }
        return sum.multiply(ERF_SLOPE, MC);
    }

    private static BigDecimal erf(BigDecimal x) {
        return erfOverX(x.multiply(x, MC)).multiply(x, MC);
    }

    /** By Halley's steps from the double's logarithm, each of which triples the digits. */
    private static BigDecimal ln(BigDecimal y) {
        BigDecimal x = new BigDecimal(Math.log(y.doubleValue()));
        for (int step = 0; step < 2; step++) {
            BigDecimal power = exp(x);
            x = x.add(TWO.multiply(y.subtract(power)).divide(y.add(power), MC), MC);
        }
        return x;
    }

    private static BigDecimal exp(BigDecimal x) {
        BigDecimal r = x.divide(BigDecimal.valueOf(64), MC);
        BigDecimal power = expTail(r).multiply(r, MC).multiply(r, MC).add(r, MC).add(ONE, MC);
        return power.pow(64, MC);
    }

    /** Prints the coefficients. */
    @SuppressWarnings("SystemOut")
    public static void main(String[] args) {
        System.out.println("EXP_2 to EXP_7: " + Arrays.toString(exp()));
        System.out.println("ERF_S0 to ERF_S6: " + Arrays.toString(smallErf()));
        System.out.println("ERF_L0 to ERF_L7: " + Arrays.toString(largeErf()));
    }
}
