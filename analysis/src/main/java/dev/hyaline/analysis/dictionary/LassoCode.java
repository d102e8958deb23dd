package dev.hyaline.analysis.dictionary;

import java.util.Arrays;

/**
 * A code of the Lasso. Coordinate descent runs over a working set, to which each round adds atoms that violate the KKT
 * conditions; on the support that it finds the conditions are solved exactly, by steps that drop an atom where its
 * coefficient would change its sign.
 */
final class LassoCode extends ActiveSetCode {
    /** Atoms that are added at first, and at least as many as may be added later. */
    private static final int FIRST_ATOMS = 16;

    /** Sweeps in a round before the support is exact. */
    private static final int SWEEPS = 6;

    /** New atoms with which a round ends exactly. */
    private static final int FEW = 4;

    private final Coding coding;
    private final double alpha;
    private final double tolerance;
    /** The gradients and the Gram matrix of the working set. */
    private double[] gradients;

    private double[][] gram;
    private int capacity;
    /** Whether the conditions hold on the working set. */
    private boolean isExact;

    private boolean isUnconverged;

    /**
     * Begins with a code near the one wanted.
     *
     * @param nearAtoms its atoms, from {@code from} to {@code end}
     */
    LassoCode(
            Atoms dictionary,
            double[] x,
            Coding coding,
            int[] nearAtoms,
            double[] nearCoefficients,
            int from,
            int end) {
        super(dictionary, x, Math.max(2 * FIRST_ATOMS, 2 * (end - from)));
        this.coding = coding;
        alpha = coding.alpha();
        tolerance = coding.tolerance() * Doubles.length(x, 0, x.length) * dictionary.longest;
        capacity = atoms.length;
        gradients = new double[capacity];
        gram = new double[capacity][];
        for (int i = from; i < end; i++) {
            if (dictionary.squares[nearAtoms[i]] > 0 && !(coding.positive() && nearCoefficients[i] < 0)) {
                include(nearAtoms[i], nearCoefficients[i]);
            }
        }
        updateResidual();
        isExact = count == 0;
    }

    @Override
    public double cut() {
        return alpha + tolerance;
    }

    @Override
    public boolean wantsLargest() {
        return false;
    }

    @Override
    public boolean advance(Candidates found, double longest) {
        int added = include(found, longest);
        if (added == 0 && isExact) {
            return true;
        }
        computeGradients();
        if (added > 0) {
            sweep(SWEEPS);
        }
        isExact = added <= FEW;
        if (isExact && !complete() && !descend()) {
            isUnconverged = true;
            return true;
        }
        updateResidual();
        return false;
    }

    /** Adds the atoms that violate the conditions most; returns how many. */
    private int include(Candidates found, double longest) {
        int[] in = Arrays.copyOf(atoms, count);
        Arrays.sort(in);
        double sure = cut() / longest + dictionary.roundingError();
        int violating = 0;
        int[] violators = found.atoms;
        float[] sizes = found.sizes;
        for (int i = 0; i < found.count; i++) {
            int atom = found.atoms[i];
            if (Arrays.binarySearch(in, atom) >= 0) {
                continue;
            }
            if (found.sizes[i] > sure || isViolating(atom)) {
                violators[violating] = atom;
                sizes[violating++] = found.sizes[i];
            }
        }
        int most = Math.max(FIRST_ATOMS, count / 2);
        float least = violating <= most ? 0 : smallestOfLargest(sizes, violating, most);
        int added = 0;
        for (int i = 0; i < violating && added < most; i++) {
            if (sizes[i] >= least) {
                include(violators[i], 0);
                added++;
            }
        }
        return added;
    }

    /** The value of which so many are at least as large: Hoare's selection, which needs no order of the others. */
    private static float smallestOfLargest(float[] sizes, int count, int most) {
        float[] left = Arrays.copyOf(sizes, count);
        int wanted = count - most;
        int low = 0;
        int high = count - 1;
        while (low < high) {
            float pivot = left[(low + high) >>> 1];
            int i = low;
            int j = high;
            while (i <= j) {
                while (left[i] < pivot) {
                    i++;
                }
                while (left[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    float moved = left[i];
                    left[i++] = left[j];
                    left[j--] = moved;
                }
            }
            if (wanted <= j) {
                high = j;
            } else if (wanted >= i) {
                low = i;
            } else {
                break;
            }
        }
        return left[wanted];
    }

    private boolean isViolating(int atom) {
        double product = dictionary.product(atom, residual);
        return (coding.positive() ? product : Math.abs(product)) > cut();
    }

    private void include(int atom, double coefficient) {
        if (count == capacity) {
            grow();
        }
        atoms[count] = atom;
        coefficients[count] = coefficient;
        products[count] = dictionary.product(atom, x);
        double[] row = new double[capacity];
        dictionary.products(atom, atoms, count, row);
        for (int i = 0; i < count; i++) {
            gram[i][count] = row[i];
        }
        row[count] = dictionary.squares[atom];
        gram[count] = row;
        count++;
    }

    private void grow() {
        int larger = 2 * capacity;
        gram = Arrays.copyOf(gram, larger);
        for (int i = 0; i < count; i++) {
            gram[i] = Arrays.copyOf(gram[i], larger);
        }
        capacity = larger;
        atoms = Arrays.copyOf(atoms, larger);
        coefficients = Arrays.copyOf(coefficients, larger);
        products = Arrays.copyOf(products, larger);
        gradients = Arrays.copyOf(gradients, larger);
    }

    /** The gradients of the squared error, turned round: products of the residual. */
    private void computeGradients() {
        System.arraycopy(products, 0, gradients, 0, count);
        for (int i = 0; i < count; i++) {
            if (coefficients[i] != 0) {
                Doubles.add(gradients, -coefficients[i], gram[i], count);
            }
        }
    }

    /** Sweeps of coordinate descent, until one changes no sign. */
    private void sweep(int most) {
        boolean changes = true;
        for (int s = 0; s < most && changes; s++) {
            changes = false;
            for (int i = 0; i < count; i++) {
                changes |= descend(i);
            }
        }
    }

    /** The best value of one coefficient; returns whether its sign changed. */
    private boolean descend(int i) {
        double square = gram[i][i];
        double before = coefficients[i];
        double after = ThresholdedCode.shrunk(gradients[i] + square * before, alpha, coding.positive()) / square;
        if (after == before) {
            return false;
        }
        coefficients[i] = after;
        Doubles.add(gradients, before - after, gram[i], count);
        return Math.signum(before) != Math.signum(after);
    }

    /** Coordinate descent to the end, for atoms that depend on each other; returns whether it came there. */
    private boolean descend() {
        for (int s = 0; s < coding.maxIterations(); s++) {
            for (int i = 0; i < count; i++) {
                descend(i);
            }
            computeGradients();
            if (worst() <= tolerance) {
                return true;
            }
        }
        return false;
    }

    /** The largest residual of the conditions on the working set. */
    private double worst() {
        double worst = 0;
        for (int i = 0; i < count; i++) {
            double c = coefficients[i];
            double miss = c == 0
                    ? (coding.positive() ? gradients[i] : Math.abs(gradients[i])) - alpha
                    : Math.abs(gradients[i] - alpha * Math.signum(c));
            worst = Math.max(worst, miss);
        }
        return worst;
    }

    /**
     * Solves the conditions on the working set exactly. Atoms that depend on others of the support are left out.
     *
     * @return false if that left a condition unsolved
     */
    private boolean complete() {
        GrowingCholesky factor = new GrowingCholesky();
        int[] active = new int[count];
        double[] signs = new double[count];
        boolean[] isActive = new boolean[count];
        boolean[] isLeft = new boolean[count];
        for (int i = 0; i < count; i++) {
            if (coefficients[i] != 0 && !activate(i, Math.signum(coefficients[i]), factor, active, signs, isActive)) {
                coefficients[i] = 0;
            }
        }
        double[] target = new double[count];
        for (int step = 0; step < coding.maxIterations(); step++) {
            int size = factor.size();
            for (int a = 0; a < size; a++) {
                target[a] = products[active[a]] - alpha * signs[a];
            }
            factor.solve(target);
            int crossing = -1;
            double share = 1;
            for (int a = 0; a < size; a++) {
                if (!(target[a] * signs[a] > 0)) {
                    double from = coefficients[active[a]];
                    double until = from == target[a] ? 0 : from / (from - target[a]);
                    if (until < share || crossing < 0) {
                        share = until;
                        crossing = a;
                    }
                }
            }
            for (int a = 0; a < size; a++) {
                double from = coefficients[active[a]];
                coefficients[active[a]] = crossing < 0 ? target[a] : from + share * (target[a] - from);
            }
            if (crossing >= 0) {
                isLeft[active[crossing]] = share == 0;
                deactivate(crossing, factor, active, signs, isActive);
                continue;
            }
            computeGradients();
            int worst = -1;
            double most = alpha + tolerance;
            for (int i = 0; i < count; i++) {
                double product = coding.positive() ? gradients[i] : Math.abs(gradients[i]);
                if (!isActive[i] && !isLeft[i] && product > most) {
                    most = product;
                    worst = i;
                }
            }
            if (worst < 0) {
                return worst() <= tolerance;
            }
            double sign = Math.signum(gradients[worst]);
            if (!activate(worst, sign, factor, active, signs, isActive)) {
                exchange(worst, sign, factor, active, signs, isActive);
                isLeft[worst] = !activate(worst, sign, factor, active, signs, isActive);
            }
        }
        return false;
    }

    /**
     * Moves weight to an atom in the span of the others until one of these has none left, and takes that one away: the
     * reconstruction stays as it is, and the 1-norm falls.
     */
    private void exchange(
            int i, double sign, GrowingCholesky factor, int[] active, double[] signs, boolean[] isActive) {
        int size = factor.size();
        double[] shares = new double[size];
        for (int a = 0; a < size; a++) {
            shares[a] = gram[i][active[a]];
        }
        factor.solve(shares);
        double weight = Double.POSITIVE_INFINITY;
        int leaving = -1;
        for (int a = 0; a < size; a++) {
            double until = coefficients[active[a]] / (sign * shares[a]);
            if (until > 0 && until < weight) {
                weight = until;
                leaving = a;
            }
        }
        if (leaving < 0) {
            return;
        }
        for (int a = 0; a < size; a++) {
            coefficients[active[a]] -= sign * weight * shares[a];
        }
        coefficients[i] = sign * weight;
        deactivate(leaving, factor, active, signs, isActive);
    }

    private void deactivate(int at, GrowingCholesky factor, int[] active, double[] signs, boolean[] isActive) {
        int after = factor.size() - at - 1;
        isActive[active[at]] = false;
        coefficients[active[at]] = 0;
        factor.remove(at);
        System.arraycopy(active, at + 1, active, at, after);
        System.arraycopy(signs, at + 1, signs, at, after);
    }

    private boolean activate(
            int i, double sign, GrowingCholesky factor, int[] active, double[] signs, boolean[] isActive) {
        int size = factor.size();
        double[] withOthers = new double[size];
        for (int a = 0; a < size; a++) {
            withOthers[a] = gram[i][active[a]];
        }
        if (!factor.append(withOthers, gram[i][i])) {
            return false;
        }
        active[size] = i;
        signs[size] = sign;
        isActive[i] = true;
        return true;
    }

    @Override
    public boolean isUnconverged() {
        return isUnconverged;
    }
}
