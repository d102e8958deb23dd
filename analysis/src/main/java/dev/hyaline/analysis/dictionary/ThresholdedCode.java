package dev.hyaline.analysis.dictionary;

/** A code of {@link CodingAlgorithm#THRESHOLD}. */
final class ThresholdedCode implements PendingCode {
    private final Atoms dictionary;
    private final double[] x;
    private final Coding coding;
    private int[] atoms = {};
    private double[] coefficients = {};

    ThresholdedCode(Atoms dictionary, double[] x, Coding coding) {
        this.dictionary = dictionary;
        this.x = x;
        this.coding = coding;
    }

    @Override
    public double[] residual() {
        return x;
    }

    @Override
    public double cut() {
        return coding.alpha();
    }

    @Override
    public boolean wantsLargest() {
        return false;
    }

    @Override
    public boolean advance(Candidates found, double longest) {
        atoms = new int[found.count];
        coefficients = new double[found.count];
        for (int i = 0; i < found.count; i++) {
            double product = dictionary.product(found.atoms[i], x);
            atoms[i] = found.atoms[i];
            coefficients[i] = shrunk(product, coding.alpha(), coding.positive());
        }
        return true;
    }

    /** A value drawn towards zero. */
    static double shrunk(double value, double by, boolean positive) {
        if (value > by) {
            return value - by;
        }
        return value < -by && !positive ? value + by : 0;
    }

    @Override
    public boolean isUnconverged() {
        return false;
    }

    @Override
    public int count() {
        return atoms.length;
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
