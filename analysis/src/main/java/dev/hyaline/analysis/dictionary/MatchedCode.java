package dev.hyaline.analysis.dictionary;

/** A code of {@link CodingAlgorithm#OMP}: an atom a round, then least squares on all that were chosen. */
final class MatchedCode implements PendingCode {
    /** Share of the largest product possible below which a residual is rounding. */
    private static final double ROUNDING = 1e-13;

    private final Atoms dictionary;
    private final double[] x;
    private final double[] residual;
    private final double smallest;
    private final int[] atoms;
    private final double[] products;
    private final double[] coefficients;
    private final GrowingCholesky factor = new GrowingCholesky();
    private int count;

    MatchedCode(Atoms dictionary, double[] x, int most) {
        this.dictionary = dictionary;
        this.x = x;
        residual = x.clone();
        smallest = ROUNDING * Doubles.length(x, 0, x.length) * dictionary.longest;
        atoms = new int[most];
        products = new double[most];
        coefficients = new double[most];
    }

    @Override
    public double[] residual() {
        return residual;
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
        System.arraycopy(x, 0, residual, 0, x.length);
        for (int i = 0; i < count; i++) {
            Doubles.add(residual, 0, -coefficients[i], dictionary.rows, atoms[i] * dictionary.d, dictionary.d);
        }
        return count == atoms.length;
    }

    @Override
    public boolean isUnconverged() {
        return false;
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public int[] atoms() {
        return atoms;
    }

    @Override
    public double[] coefficients() {
        return coefficients;
    }
}
