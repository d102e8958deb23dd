package dev.hyaline.analysis.dictionary;

/**
 * A dictionary learned from samples. The arrays are not copied.
 *
 * @param d features of an atom
 * @param rows atoms, {@code [n, d]}, none longer than 1 once it was updated
 * @param costs the objective of a sample after each step, as {@link DictionaryListener#stepped} was told
 * @param resampled how often an atom was drawn anew since it was not used
 */
public record LearnedDictionary(int d, double[] rows, double[] costs, long resampled) {
    /** Number of atoms. */
    public int size() {
        return rows.length / d;
    }

    /** The atoms in float, {@code [n, d]}. */
    public float[] atoms() {
        float[] atoms = new float[rows.length];
        for (int i = 0; i < atoms.length; i++) {
            atoms[i] = (float) rows[i];
        }
        return atoms;
    }

    /** A coder over it. */
    public SparseCoder coder(Coding coding) {
        return SparseCoder.of(rows, d, coding);
    }

    @Override
    public String toString() {
        return size() + " atoms of " + d + " features after " + costs.length + " steps";
    }
}
