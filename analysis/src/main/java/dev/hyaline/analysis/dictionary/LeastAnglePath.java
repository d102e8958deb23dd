package dev.hyaline.analysis.dictionary;

import java.util.Arrays;

/**
 * The path of least-angle regression, or of the Lasso, which drops an atom where its coefficient comes to 0. All chosen
 * atoms' products with the residual have one size, which falls along the path.
 */
final class LeastAnglePath implements Code {
    /** How near an atom's product may move along with the chosen ones' before it counts as one of their span. */
    private static final double PARALLEL = 1e-10;

    private static final int NONE = -1;

    private final Atoms dictionary;
    private final boolean lasso;
    private final boolean positive;
    private final double end;
    private final int maxSteps;
    /** Products of all atoms with the residual. */
    private final double[] correlations;

    private final boolean[] isOut;
    private final GrowingCholesky factor = new GrowingCholesky();
    private int[] active = new int[16];
    private double[] signs = new double[16];
    private double[] coefficients = new double[16];
    private double size;
    /** The next event: an atom that comes in, one's place in the support that it leaves, or the path's end. */
    private int entering;

    private double enteringSign;
    private int leaving;

    LeastAnglePath(Atoms dictionary, double[] x, Coding coding) {
        this.dictionary = dictionary;
        lasso = coding.algorithm() == CodingAlgorithm.LASSO_LARS;
        positive = coding.positive();
        end = lasso ? coding.alpha() : 0;
        maxSteps = lasso ? coding.maxIterations() : coding.atoms(dictionary.n, dictionary.d);
        correlations = dictionary.products(x);
        isOut = new boolean[dictionary.n];
        for (int k = 0; k < dictionary.n; k++) {
            isOut[k] = dictionary.squares[k] == 0;
        }
    }

    void run() {
        entering = NONE;
        for (int k = 0; k < dictionary.n; k++) {
            double product = positive ? correlations[k] : Math.abs(correlations[k]);
            if (!isOut[k] && product > size) {
                size = product;
                entering = k;
                enteringSign = Math.signum(correlations[k]);
            }
        }
        if (!(size > end)) {
            return;
        }
        int left = NONE;
        double leftSign = 0;
        int steps = 0;
        while (steps < maxSteps) {
            if (entering != NONE && !enter(entering, enteringSign)) {
                isOut[entering] = true;
                if (factor.size() == 0) {
                    return;
                }
            }
            boolean entered = entering != NONE && isActive(entering);
            steps += lasso || entered ? 1 : 0;
            int count = factor.size();
            double[] direction = Arrays.copyOf(signs, count);
            factor.solve(direction);
            double[] change = new double[dictionary.d];
            for (int i = 0; i < count; i++) {
                Doubles.add(change, 0, direction[i], dictionary.rows, active[i] * dictionary.d, dictionary.d);
            }
            double[] speeds = dictionary.products(change);
            double length = nextEvent(direction, speeds, left, leftSign);
            for (int i = 0; i < count; i++) {
                coefficients[i] += length * direction[i];
            }
            for (int k = 0; k < correlations.length; k++) {
                correlations[k] -= length * speeds[k];
            }
            size -= length;
            left = NONE;
            if (leaving != NONE) {
                left = active[leaving];
                leftSign = signs[leaving];
                leave(leaving);
                if (count == 1) {
                    return;
                }
            } else if (entering == NONE) {
                return;
            }
        }
    }

    /** Finds the next event; returns how far the common size falls until then. */
    private double nextEvent(double[] direction, double[] speeds, int left, double leftSign) {
        double length = size - end;
        entering = NONE;
        leaving = NONE;
        boolean[] isActive = new boolean[dictionary.n];
        for (int i = 0; i < factor.size(); i++) {
            isActive[active[i]] = true;
        }
        for (int k = 0; k < dictionary.n; k++) {
            if (isActive[k] || isOut[k]) {
                continue;
            }
            double up = 1 - speeds[k];
            if (up > PARALLEL && !(k == left && leftSign > 0)) {
                double until = Math.max((size - correlations[k]) / up, 0);
                if (until < length) {
                    length = until;
                    entering = k;
                    enteringSign = 1;
                }
            }
            double down = 1 + speeds[k];
            if (!positive && down > PARALLEL && !(k == left && leftSign < 0)) {
                double until = Math.max((size + correlations[k]) / down, 0);
                if (until < length) {
                    length = until;
                    entering = k;
                    enteringSign = -1;
                }
            }
        }
        for (int i = 0; lasso && i < factor.size(); i++) {
            double until = -coefficients[i] / direction[i];
            if (until > 0 && until < length) {
                length = until;
                leaving = i;
                entering = NONE;
            }
        }
        return length;
    }

    private boolean isActive(int atom) {
        return factor.size() > 0 && active[factor.size() - 1] == atom;
    }

    private boolean enter(int atom, double sign) {
        int count = factor.size();
        double[] withOthers = new double[count];
        dictionary.products(atom, active, count, withOthers);
        if (!factor.append(withOthers, dictionary.squares[atom])) {
            return false;
        }
        if (count == active.length) {
            active = Arrays.copyOf(active, 2 * count);
            signs = Arrays.copyOf(signs, 2 * count);
            coefficients = Arrays.copyOf(coefficients, 2 * count);
        }
        active[count] = atom;
        signs[count] = sign;
        coefficients[count] = 0;
        return true;
    }

    private void leave(int index) {
        int after = factor.size() - index - 1;
        factor.remove(index);
        System.arraycopy(active, index + 1, active, index, after);
        System.arraycopy(signs, index + 1, signs, index, after);
        System.arraycopy(coefficients, index + 1, coefficients, index, after);
    }

    @Override
    public int count() {
        return factor.size();
    }

    @Override
    public int[] atoms() {
        return active;
    }

    @Override
    public double[] coefficients() {
        return coefficients;
    }

    @Override
    public boolean isUnconverged() {
        return false;
    }
}
