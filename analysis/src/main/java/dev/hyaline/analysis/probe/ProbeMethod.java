package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * A way to fit a linear probe. Fits are in double precision and on one thread; rows in another order give the same
 * weights within rounding, which is 1e-9 of the gradient for what is fitted by steps.
 */
public sealed interface ProbeMethod {
    /** Fits a probe to rows as they are. */
    LinearProbe fit(LabelledRows rows);

    /** Returns whether the scores are log odds. */
    boolean probabilistic();

    /**
     * Fits a probe to the rows' columns at mean 0 and standard deviation 1; the probe that comes back takes raw rows.
     * Constant columns get whatever weight and change nothing.
     */
    default LinearProbe fitStandardized(LabelledRows rows) {
        Standardization standard = Standardization.of(rows.values());
        return standard.unstandardized(fit(rows.with(standard.apply(rows.values()))));
    }

    /**
     * Logistic regression: minimises C Σ log(1 + exp(-y (w x + b))) + ‖w‖²/2, the intercept free; of more classes than
     * two the multinomial one, whose coefficients sum to 0 over the classes. Linear probes as such: Alain and Bengio
     * (2016).
     *
     * @param c weight of the loss against the penalty
     */
    record Logistic(double c) implements ProbeMethod {
        /** With C = 1, scikit-learn's default. */
        public Logistic() {
            this(1);
        }

        public Logistic {
            Vectors.requirePositive("C of a logistic probe", c);
        }

        @Override
        public LinearProbe fit(LabelledRows rows) {
            return LogisticLoss.fit(rows, c);
        }

        @Override
        public boolean probabilistic() {
            return true;
        }
    }

    /**
     * Ridge regression of -1 and 1 ({@link RidgeRegression}); of more classes than two, of each against the others.
     *
     * @param alpha weight of the penalty
     */
    record Ridge(double alpha) implements ProbeMethod {
        public Ridge {
            Vectors.requirePositive("the penalty of a ridge probe", alpha);
        }

        @Override
        public LinearProbe fit(LabelledRows rows) {
            int classes = rows.classes().size();
            int scores = classes == 2 ? 1 : classes;
            double[][] weights = new double[scores][];
            double[] bias = new double[scores];
            for (int k = 0; k < scores; k++) {
                int counted = scores == 1 ? 1 : k;
                double[] y = Arrays.stream(rows.labels())
                        .mapToDouble(label -> label == counted ? 1 : -1)
                        .toArray();
                RidgeRegression fit = RidgeRegression.fit(rows.values(), y, alpha);
                weights[k] = fit.weights();
                bias[k] = fit.bias();
            }
            return new LinearProbe(weights, bias, false);
        }

        @Override
        public boolean probabilistic() {
            return false;
        }
    }

    /**
     * The direction from one class's mean to the other's, the threshold at the midpoint; of more classes the nearest
     * mean (Marks and Tegmark 2023).
     */
    record MassMean() implements ProbeMethod {
        @Override
        public LinearProbe fit(LabelledRows rows) {
            double[][] means = rows.means();
            return ofMeans(rows, means, means, /* priors= */ false);
        }

        @Override
        public boolean probabilistic() {
            return false;
        }
    }

    /**
     * Linear discriminant analysis: w = Σ<sup>-1</sup>(μ1 - μ0), b = -w(μ1 + μ0)/2 + log π1/π0, Σ the covariance within
     * classes divided by the number of rows: mass-mean in whitened space (Fisher 1936). Where Σ is singular, the
     * directions without spread are left out.
     *
     * @param shrinkage share of Σ that is replaced by a multiple of the identity of the same trace, from 0 to 1
     */
    record Lda(double shrinkage) implements ProbeMethod {
        public Lda {
            if (!(shrinkage >= 0 && shrinkage <= 1)) {
                throw new BadInputException("the shrinkage of a discriminant lies between 0 and 1, found " + shrinkage);
            }
        }

        @Override
        public LinearProbe fit(LabelledRows rows) {
            double[][] covariance = rows.pooledCovariance();
            int d = covariance.length;
            double trace = 0;
            for (int i = 0; i < d; i++) {
                trace += covariance[i][i];
            }
            for (int i = 0; i < d; i++) {
                for (int j = 0; j < d; j++) {
                    covariance[i][j] *= 1 - shrinkage;
                }
                covariance[i][i] += shrinkage * trace / d;
            }
            double[][] inverse = Vectors.power(covariance, -1);
            double[][] means = rows.means();
            double[][] whitened = Arrays.stream(means)
                    .map(mean -> Vectors.times(inverse, mean))
                    .toArray(double[][]::new);
            return ofMeans(rows, means, whitened, /* priors= */ true);
        }

        @Override
        public boolean probabilistic() {
            return true;
        }
    }

    /**
     * Logistic regression on a few columns only: those whose class means differ most, the largest first, the lower
     * index first among equals; of more classes than two by the range of the means (Gurnee et al. 2023).
     *
     * @param k number of columns
     */
    record KSparse(int k, double c) implements ProbeMethod {
        public KSparse {
            if (k < 1) {
                throw new BadInputException("a k-sparse probe reads at least 1 column, found k = " + k);
            }
            Vectors.requirePositive("C of a k-sparse probe", c);
        }

        /** The columns of rows that a probe of these would read, the best first. */
        public int[] columns(LabelledRows rows) {
            if (k > rows.columns()) {
                throw new BadInputException(
                        "a k-sparse probe of " + rows.columns() + " columns cannot read " + k + " of them");
            }
            double[] range = range(rows);
            return IntStream.range(0, range.length)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer column) -> -range[column]))
                    .limit(k)
                    .mapToInt(Integer::intValue)
                    .toArray();
        }

        /** The differences of the means of the classes in each column, without signs. */
        private static double[] range(LabelledRows rows) {
            double[][] means = rows.means();
            int[] counts = rows.counts();
            double[] range = new double[rows.columns()];
            for (int column = 0; column < range.length; column++) {
                double least = Double.POSITIVE_INFINITY;
                double most = Double.NEGATIVE_INFINITY;
                for (int label = 0; label < means.length; label++) {
                    if (counts[label] > 0) {
                        least = Math.min(least, means[label][column]);
                        most = Math.max(most, means[label][column]);
                    }
                }
                range[column] = most - least;
            }
            return range;
        }

        @Override
        public LinearProbe fit(LabelledRows rows) {
            return fit(rows, columns(rows));
        }

        /** Chooses the columns by the raw means, since those of standardised columns say another thing. */
        @Override
        public LinearProbe fitStandardized(LabelledRows rows) {
            int[] columns = columns(rows);
            Standardization standard = Standardization.of(rows.values());
            return standard.unstandardized(fit(rows.with(standard.apply(rows.values())), columns));
        }

        private LinearProbe fit(LabelledRows rows, int[] columns) {
            LinearProbe few = new Logistic(c).fit(rows.columns(columns));
            double[][] weights = new double[few.weights().length][rows.columns()];
            for (int score = 0; score < weights.length; score++) {
                for (int i = 0; i < columns.length; i++) {
                    weights[score][columns[i]] = few.weights()[score][i];
                }
            }
            return new LinearProbe(weights, few.bias(), true);
        }

        @Override
        public boolean probabilistic() {
            return true;
        }
    }

    /** Scores v<sub>k</sub> x - v<sub>k</sub> μ<sub>k</sub> / 2, and the classes' log shares if wanted. */
    private static LinearProbe ofMeans(LabelledRows rows, double[][] means, double[][] vectors, boolean priors) {
        int[] counts = rows.counts();
        int classes = means.length;
        double[] bias = new double[classes];
        for (int k = 0; k < classes; k++) {
            bias[k] = counts[k] == 0
                    ? Double.NEGATIVE_INFINITY
                    : -Vectors.dot(vectors[k], means[k]) / 2
                            + (priors ? Math.log(counts[k] / (double) rows.rows()) : 0);
        }
        if (classes != 2) {
            return new LinearProbe(vectors, bias, priors);
        }
        double[] direction = vectors[1].clone();
        Vectors.add(direction, 0, -1, vectors[0], 0, direction.length);
        return new LinearProbe(new double[][] {direction}, new double[] {bias[1] - bias[0]}, priors);
    }
}
