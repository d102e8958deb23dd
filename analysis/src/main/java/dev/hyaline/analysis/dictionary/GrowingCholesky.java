package dev.hyaline.analysis.dictionary;

import java.util.Arrays;

/** The Cholesky factor of a Gram matrix to which rows are added and from which they are taken. */
final class GrowingCholesky {
    /** Share of an atom's squared length that must be left outside the span of the others. */
    private static final double LEAST_PIVOT = 1e-12;

    private int capacity = 16;
    private double[] rows = new double[capacity * capacity];
    private double[] between = new double[capacity];
    private int size;

    int size() {
        return size;
    }

    void clear() {
        size = 0;
    }

    /**
     * Adds a row and its column.
     *
     * @param products with the rows before, as many as there are
     * @return false, and nothing is added, if it depends on the rows before
     */
    boolean append(double[] products, double square) {
        if (size == capacity) {
            grow();
        }
        int at = size * capacity;
        double left = square;
        for (int i = 0; i < size; i++) {
            double value = (products[i] - Doubles.dot(rows, i * capacity, rows, at, i)) / rows[i * capacity + i];
            rows[at + i] = value;
        }
        left -= Doubles.dot(rows, at, rows, at, size);
        if (!(left > LEAST_PIVOT * square)) {
            return false;
        }
        rows[at + size] = Math.sqrt(left);
        size++;
        return true;
    }

    private void grow() {
        double[] larger = new double[4 * capacity * capacity];
        for (int i = 0; i < size; i++) {
            System.arraycopy(rows, i * capacity, larger, i * 2 * capacity, i + 1);
        }
        rows = larger;
        capacity *= 2;
        between = Arrays.copyOf(between, capacity);
    }

    /** Takes a row and its column away; those after it move up. */
    void remove(int index) {
        double[] cosines = new double[size];
        double[] sines = new double[size];
        for (int r = index + 1; r < size; r++) {
            int from = r * capacity;
            int to = from - capacity;
            System.arraycopy(rows, from, between, 0, r + 1);
            // The rotations of the rows above, then one that leaves nothing right of the diagonal.
            for (int k = index; k < r - 1; k++) {
                double a = between[k];
                double b = between[k + 1];
                between[k] = cosines[k] * a + sines[k] * b;
                between[k + 1] = cosines[k] * b - sines[k] * a;
            }
            double a = between[r - 1];
            double b = between[r];
            double length = Math.hypot(a, b);
            cosines[r - 1] = a / length;
            sines[r - 1] = b / length;
            between[r - 1] = length;
            System.arraycopy(between, 0, rows, to, r);
        }
        size--;
    }

    /** Solves for a right side, in place. */
    void solve(double[] inOut) {
        for (int i = 0; i < size; i++) {
            int at = i * capacity;
            inOut[i] = (inOut[i] - Doubles.dot(rows, at, inOut, 0, i)) / rows[at + i];
        }
        for (int i = size - 1; i >= 0; i--) {
            int at = i * capacity;
            double value = inOut[i] / rows[at + i];
            inOut[i] = value;
            Doubles.add(inOut, 0, -value, rows, at, i);
        }
    }
}
