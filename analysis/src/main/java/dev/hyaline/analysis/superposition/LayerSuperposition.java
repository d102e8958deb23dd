package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.feature.InterpretableComparison;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.RecordText;
import java.util.Arrays;
import java.util.List;

/**
 * What a {@link SuperpositionStudy} found.
 *
 * @param width dimensions of the site
 * @param trainedTokens tokens that dictionaries were learned from
 * @param heldOutTokens tokens that they were measured on
 * @param alpha weight of the coefficients in the objective
 * @param scale what activations, less their mean, were divided by
 * @param effectiveDimension {@code (tr C)^2 / tr C^2} of the held-out activations
 * @param dictionaries learned without and with an encoder, in that order
 * @param comparison interpretable latents of the autoencoder, beside the dimensions, the neurons and random directions
 * @param stability between seeds and between the two
 * @param random the geometry of as many random directions as the wider dictionary has atoms
 * @param autoencoder that was trained or given
 */
public record LayerSuperposition(
        HookPoint site,
        int width,
        long trainedTokens,
        int heldOutTokens,
        double alpha,
        double scale,
        double effectiveDimension,
        List<DictionaryMeasure> dictionaries,
        InterpretableComparison comparison,
        List<DictionaryStability> stability,
        FeatureGeometry random,
        SparseAutoencoder autoencoder) {
    /** Atoms of the picture of the interference matrix. */
    public static final int SHOWN = 64;

    public LayerSuperposition {
        dictionaries = List.copyOf(dictionaries);
        stability = List.copyOf(stability);
    }

    /** The interference matrix {@code D D^T - I} of the atoms of the largest mean square, at most {@link #SHOWN}. */
    public ResultTable interference(DictionaryMeasure dictionary) {
        int[] atoms = dictionary.strongest(SHOWN);
        double[] values = new double[atoms.length * atoms.length];
        for (int i = 0; i < atoms.length; i++) {
            float[] one = dictionary.direction(atoms[i]);
            for (int j = 0; j < atoms.length; j++) {
                float[] other = dictionary.direction(atoms[j]);
                for (int c = 0; c < one.length && i != j; c++) {
                    values[i * atoms.length + j] += (double) one[c] * other[c];
                }
            }
        }
        List<String> labels = Arrays.stream(atoms).mapToObj(String::valueOf).toList();
        return ResultTable.of(
                        "Interference of the " + atoms.length + " strongest atoms: " + dictionary.name(),
                        "cosine off the diagonal, D D^T - I",
                        "",
                        List.of(new Axis("atom", labels), new Axis("other atom", labels)),
                        List.of("all"),
                        values)
                .from(site + ", the atoms of the largest mean square first")
                .neutralAt(0);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
