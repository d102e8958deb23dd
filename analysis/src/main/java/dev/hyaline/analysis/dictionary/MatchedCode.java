package dev.hyaline.analysis.dictionary;

/** A code of {@link CodingAlgorithm#OMP}: an atom a round, then least squares on all that were chosen. */
final class MatchedCode extends ActiveSetCode {
    /** Share of the largest product possible below which a residual is rounding. */
    private static final double ROUNDING = 1e-13;

    private final double smallest;
    private final GrowingCholesky factor = new GrowingCholesky();

    MatchedCode(Atoms dictionary, double[] x, int most) {
        super(dictionary, x, most);
        smallest = ROUNDING * Doubles.length(x, 0, x.length) * dictionary.longest;
    }

    @Override
    public double cut() {
        return smallest;
    }

    @Override
    public boolean wantsLargest() {
        return true;
    }

    @Override
    public boolean advance(Candidates found, double longest) {
        int best = -1;
        double most = smallest;
        float largest = 0;
        for (int i = 0; i < found.count; i++) {
            largest = Math.max(largest, found.sizes[i]);
        }
        double cut = largest - 2 * dictionary.roundingError();
        for (int i = 0; i < found.count; i++) {
            if (found.sizes[i] >= cut) {
                double size = Math.abs(dictionary.product(found.atoms[i], residual));
                if (size > most) {
                    most = size;
                    best = found.atoms[i];
                }
            }
        }
        if (best < 0) {
            return true;
        }
        double[] withOthers = new double[count];
        for (int i = 0; i < count; i++) {
            withOthers[i] = dictionary.product(best, atoms[i]);
        }
        if (!factor.append(withOthers, dictionary.squares[best])) {
            return true;
        }
        atoms[count] = best;
        products[count] = dictionary.product(best, x);
        count++;
        System.arraycopy(products, 0, coefficients, 0, count);
        factor.solve(coefficients);
        updateResidual();
        return count == atoms.length;
    }

    @Override
    public boolean isUnconverged() {
        return false;
    }
}
