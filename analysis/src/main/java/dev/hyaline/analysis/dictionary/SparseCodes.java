package dev.hyaline.analysis.dictionary;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * The codes of some samples, those coefficients alone that are not zero. The arrays are not copied.
 *
 * @param width number of atoms
 * @param offsets of each sample's coefficients in the next two arrays, and their number at the end: {@code [samples +
 *     1]}
 * @param indices atoms, ascending within a sample
 * @param values their coefficients
 * @param unconverged samples that missed the tolerance within the most iterations allowed
 */
public record SparseCodes(int width, int[] offsets, int[] indices, double[] values, int unconverged) {
    public SparseCodes {
        int end = offsets[offsets.length - 1];
        if (indices.length < end || values.length < end) {
            throw new BadShapeException("codes", "at least " + end + " coefficients", values.length + " coefficients");
        }
    }

    /** The codes of no samples. */
    static SparseCodes none(int width) {
        return new SparseCodes(width, new int[1], new int[0], new double[0], 0);
    }

    public int samples() {
        return offsets.length - 1;
    }

    /** Number of coefficients of all samples that are not zero. */
    public int count() {
        return offsets[offsets.length - 1];
    }

    /** Mean number of coefficients of a sample that are not zero; empty without samples. */
    public OptionalDouble l0() {
        return samples() == 0 ? OptionalDouble.empty() : OptionalDouble.of((double) count() / samples());
    }

    /** Sum of the absolute coefficients. */
    public double l1() {
        double sum = 0;
        for (int e = 0; e < count(); e++) {
            sum += Math.abs(values[e]);
        }
        return sum;
    }

    /** With zeros, {@code [samples, width]}. */
    public double[] dense() {
        double[] dense = new double[Math.multiplyExact(samples(), width)];
        for (int s = 0; s < samples(); s++) {
            for (int e = offsets[s]; e < offsets[s + 1]; e++) {
                dense[s * width + indices[e]] = values[e];
            }
        }
        return dense;
    }

    /** The codes in float, in the form of an autoencoder's latents. */
    public Latents latents() {
        float[] activations = new float[count()];
        for (int e = 0; e < activations.length; e++) {
            activations[e] = (float) values[e];
        }
        return new Latents(
                width, offsets, Arrays.copyOf(indices, activations.length), activations, new float[0], new float[0]);
    }

    @Override
    public String toString() {
        return count() + " coefficients of " + samples() + " samples, width " + width;
    }
}
