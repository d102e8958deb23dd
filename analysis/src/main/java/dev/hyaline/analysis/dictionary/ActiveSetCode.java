package dev.hyaline.analysis.dictionary;

/** A code of the few atoms that were chosen so far, with the residual that they leave. */
abstract sealed class ActiveSetCode implements PendingCode permits LassoCode, MatchedCode {
    final Atoms dictionary;
    final double[] x;
    final double[] residual;

    /** The chosen atoms, the first {@link #count} of the array. */
    int[] atoms;

    double[] coefficients;

    /** Products of the chosen atoms with the sample. */
    double[] products;

    int count;

    /**
     * Begins with no atom.
     *
     * @param capacity atoms that the arrays hold at first
     */
    ActiveSetCode(Atoms dictionary, double[] x, int capacity) {
        this.dictionary = dictionary;
        this.x = x;
        residual = x.clone();
        atoms = new int[capacity];
        coefficients = new double[capacity];
        products = new double[capacity];
    }

    @Override
    public double[] residual() {
        return residual;
    }

    final void updateResidual() {
        System.arraycopy(x, 0, residual, 0, x.length);
        for (int i = 0; i < count; i++) {
            if (coefficients[i] != 0) {
                Doubles.add(residual, 0, -coefficients[i], dictionary.rows, atoms[i] * dictionary.d, dictionary.d);
            }
        }
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
