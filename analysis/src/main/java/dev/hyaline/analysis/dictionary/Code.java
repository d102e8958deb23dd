package dev.hyaline.analysis.dictionary;

/** The code of one sample. */
interface Code {
    /** Number of atoms that {@link #atoms} and {@link #coefficients} begin with; some coefficients may be 0. */
    int count();

    int[] atoms();

    double[] coefficients();

    /** Returns whether the code missed its tolerance. */
    boolean isUnconverged();
}
