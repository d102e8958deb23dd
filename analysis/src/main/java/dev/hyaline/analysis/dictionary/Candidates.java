package dev.hyaline.analysis.dictionary;

import java.util.Arrays;

/** Atoms whose products with a residual are large, ascending, and the sizes of the products in float. */
final class Candidates {
    int[] atoms = new int[32];
    float[] sizes = new float[32];
    int count;

    void add(int atom, float size) {
        if (count == atoms.length) {
            atoms = Arrays.copyOf(atoms, 2 * count);
            sizes = Arrays.copyOf(sizes, 2 * count);
        }
        atoms[count] = atom;
        sizes[count++] = size;
    }
}
