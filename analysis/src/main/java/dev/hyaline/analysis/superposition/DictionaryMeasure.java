package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.feature.InterpretableLatents;
import dev.hyaline.analysis.sparse.measure.ReconstructionStatistics;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import java.util.Arrays;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * A dictionary on tokens that it was not learned from. Coefficients are of atoms of length 1, in units of normalised
 * activations. An atom is alive if a token uses it; what is said of the geometry is of the alive ones.
 *
 * @param name in words
 * @param objective mean over tokens of {@code .5 |x - x_hat|^2 + alpha |c|_1}, in units of normalised activations
 * @param explainedVariance of the tokens together
 * @param l0 mean number of atoms a token
 * @param densities share of the tokens that use each atom
 * @param secondMoments mean square of each atom's coefficient
 * @param alive atoms that a token uses, ascending
 * @param geometry of these
 * @param interpretable which atoms say one nameable thing, with permuted labels beside it
 */
public record DictionaryMeasure(
        String name,
        double objective,
        double explainedVariance,
        double l0,
        float[] densities,
        double[] secondMoments,
        int[] alive,
        FeatureGeometry geometry,
        InterpretableLatents interpretable) {

    /**
     * Measures a dictionary.
     *
     * @param rows atoms of any length, {@code [atoms, d]}
     * @param x normalised activations, {@code [tokens, d]}
     * @param reconstruction of these
     * @param codes coefficients of atoms of length 1
     * @param excluded tokens that count for nothing
     * @throws BadInputException if no atom is used
     */
    static DictionaryMeasure of(
            String name,
            float[] rows,
            float[] x,
            float[] reconstruction,
            Latents codes,
            boolean[] excluded,
            double alpha,
            InterpretableLatents interpretable) {
        int n = codes.width();
        int d = rows.length / n;
        ReconstructionStatistics statistics = ReconstructionStatistics.of(d, n);
        statistics.add(x, reconstruction, codes, excluded);
        SequencedMap<String, Double> values = statistics.values();
        double[] moments = new double[n];
        for (int t = 0; t < codes.tokens(); t++) {
            for (int e = codes.offsets()[t]; e < codes.offsets()[t + 1] && !excluded[t]; e++) {
                moments[codes.indices()[e]] += (double) codes.values()[e] * codes.values()[e] / statistics.tokens();
            }
        }
        float[] densities = statistics.densities();
        int[] alive = IntStream.range(0, n).filter(i -> densities[i] > 0).toArray();
        if (alive.length == 0) {
            throw new BadInputException("no token uses an atom of the dictionary " + name + ": alpha is too large");
        }
        float[] used = new float[alive.length * d];
        for (int i = 0; i < alive.length; i++) {
            System.arraycopy(rows, alive[i] * d, used, i * d, d);
        }
        return new DictionaryMeasure(
                name,
                values.getOrDefault("mse", Double.NaN) / 2 + alpha * values.getOrDefault("l1", Double.NaN),
                values.getOrDefault("explained_variance", Double.NaN),
                values.getOrDefault("l0", Double.NaN),
                densities,
                moments,
                alive,
                FeatureGeometry.of(used, d).unit(),
                interpretable);
    }

    /** Number of atoms. */
    public int atoms() {
        return densities.length;
    }

    /** Atoms that no token uses. */
    public int dead() {
        return atoms() - alive.length;
    }

    /** Atoms that more than a share of the tokens use. */
    public int denserThan(double share) {
        int count = 0;
        for (float density : densities) {
            count += density > share ? 1 : 0;
        }
        return count;
    }

    /** Median share of the tokens that use an alive atom. */
    public double medianDensity() {
        double[] sorted =
                Arrays.stream(alive).mapToDouble(i -> densities[i]).sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    /**
     * Interference onto each alive atom, weighted by the others' activity, as
     * {@link FeatureGeometry#weightedInterference}.
     */
    public double[] weightedInterference() {
        return geometry.weightedInterference(
                Arrays.stream(alive).mapToDouble(i -> secondMoments[i]).toArray());
    }

    /** The alive atoms of the largest mean square, the largest first. */
    public int[] strongest(int most) {
        return Arrays.stream(alive)
                .boxed()
                .sorted((a, b) -> {
                    int byMoment = Double.compare(secondMoments[b], secondMoments[a]);
                    return byMoment != 0 ? byMoment : Integer.compare(a, b);
                })
                .limit(most)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** A direction of length 1, {@code [d]}. */
    public float[] direction(int atom) {
        int at = Arrays.binarySearch(alive, atom);
        if (at < 0) {
            throw new BadInputException("atom " + atom + " of the dictionary " + name + " is used by no token");
        }
        double[] row = geometry.row(at);
        float[] direction = new float[row.length];
        for (int c = 0; c < row.length; c++) {
            direction[c] = (float) row[c];
        }
        return direction;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
