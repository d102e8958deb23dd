package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.files.RecordText;
import java.util.List;

/**
 * The facts about one latent on some texts.
 *
 * @param shareFiring share of tokens that fire it
 * @param maximum largest activation
 * @param meanFiring mean activation of the tokens that fire it; 0 if none does
 * @param top tokens with the largest activations, largest first
 * @param intervals of equal width from zero to the maximum, lowest first
 * @param histogram of the activations that are not zero
 * @param logits {@code w W_U} of the decoder row as it is
 * @param foldedLogits the same through the final norm's gain, of the centred row, less its mean over the vocabulary
 * @param alignment largest components of the decoder row
 * @param alignmentShares their share of the row's L1 norm
 * @param correlatedNeurons dimensions of the site by Pearson's correlation
 * @param correlatedByCosine other latents by the cosine of activations
 * @param correlatedByPearson other latents by Pearson's correlation
 * @param coactivation other latents by Jaccard's index: tokens that fire both over tokens that fire either
 * @param neighbours other latents by the cosine of decoder rows
 */
public record LatentPage(
        int latent,
        double shareFiring,
        float maximum,
        double meanFiring,
        List<Firing> top,
        List<ActivationInterval> intervals,
        Histogram histogram,
        LogitEffects logits,
        LogitEffects foldedLogits,
        RankedItems alignment,
        float[] alignmentShares,
        RankedItems correlatedNeurons,
        RankedItems correlatedByCosine,
        RankedItems correlatedByPearson,
        RankedItems coactivation,
        RankedItems neighbours) {
    /**
     * A token that fires.
     *
     * @param row among all tokens of the texts
     */
    public record Firing(int row, int sequence, int position, int token, float activation) {}

    /**
     * Activations in an interval, and examples drawn from it.
     *
     * @param share of all tokens; the lowest interval holds those that do not fire
     */
    public record ActivationInterval(float minimum, float maximum, double share, List<Firing> examples) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * Counts between edges.
     *
     * @param edges one more than counts
     */
    public record Histogram(int[] counts, double[] edges) {
        /** As NumPy's {@code histogram}: equal bins from the least value to the largest, which the last one holds. */
        static Histogram of(double[] values, int bins) {
            double least = Double.POSITIVE_INFINITY;
            double most = Double.NEGATIVE_INFINITY;
            for (double value : values) {
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
            if (values.length == 0) {
                return new Histogram(new int[bins], new double[bins + 1]);
            }
            if (least == most) {
                least -= 0.5;
                most += 0.5;
            }
            double[] edges = new double[bins + 1];
            for (int i = 0; i <= bins; i++) {
                edges[i] = least + (most - least) * i / bins;
            }
            int[] counts = new int[bins];
            for (double value : values) {
                int bin = Math.clamp((int) ((value - least) / (most - least) * bins), 0, bins - 1);
                if (value < edges[bin]) {
                    bin--;
                } else if (bin < bins - 1 && value >= edges[bin + 1]) {
                    bin++;
                }
                counts[bin]++;
            }
            return new Histogram(counts, edges);
        }

        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /** A latent's effect on the logits: the tokens it raises and lowers most, and all in a histogram. */
    public record LogitEffects(RankedItems raised, RankedItems lowered, Histogram histogram) {}

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
