package dev.hyaline.analysis.dictionary;

/** A sample on its way to its code. In each round it is told which atoms its residual is not orthogonal enough to. */
sealed interface PendingCode extends Code permits ActiveSetCode, ThresholdedCode {
    /** What the code does not explain, {@code [d]}. */
    double[] residual();

    /** Products above this size are looked at. */
    double cut();

    /** Returns whether only the largest products are looked at. */
    boolean wantsLargest();

    /**
     * Does a round's work.
     *
     * @param found the atoms whose products with the residual may be above {@link #cut} in size
     * @param longest length of the residual times that of the longest atom, the unit of the sizes in float
     * @return whether the code is complete
     */
    boolean advance(Candidates found, double longest);
}
