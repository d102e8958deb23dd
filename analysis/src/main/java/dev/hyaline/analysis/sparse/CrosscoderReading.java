package dev.hyaline.analysis.sparse;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;

/**
 * The site of two that each latent of a crosscoder belongs to, as its decoder says (Lindsey et al. 2024, "Sparse
 * crosscoders for cross-layer features and model diffing").
 *
 * @param relativeNorm {@code [latents]}: length of the second site's decoder row in the sum of both; near 0 or 1 a
 *     latent of one site alone, near .5 one that both share
 * @param decoderCosine {@code [latents]}: cosine of the two rows; 0 where one is zero
 */
public record CrosscoderReading(float[] relativeNorm, float[] decoderCosine) {
    /**
     * Reads a crosscoder of two sites. L1 crosscoders make latents look exclusive that are not (complete shrinkage and
     * latent decoupling); {@link #latentScaling} tells.
     *
     * @throws BadInputException if it has another number of sites
     */
    public static CrosscoderReading of(SparseAutoencoder crosscoder) {
        requirePair(crosscoder);
        int n = crosscoder.config().latents();
        int d = crosscoder.config().dOut() / 2;
        float[] decoder = crosscoder.parameters().decoder();
        float[] norms = new float[n];
        float[] cosines = new float[n];
        for (int i = 0; i < n; i++) {
            double a = 0;
            double b = 0;
            double ab = 0;
            for (int c = 0; c < d; c++) {
                double first = decoder[i * 2 * d + c];
                double second = decoder[i * 2 * d + d + c];
                a += first * first;
                b += second * second;
                ab += first * second;
            }
            double sum = Math.sqrt(a) + Math.sqrt(b);
            norms[i] = sum == 0 ? 0.5f : (float) (Math.sqrt(b) / sum);
            cosines[i] = a == 0 || b == 0 ? 0 : (float) (ab / Math.sqrt(a * b));
        }
        return new CrosscoderReading(norms, cosines);
    }

    /**
     * The latent scaling of each latent (Minder et al. 2025, "Robustly identifying concepts introduced during chat
     * fine-tuning"): the factor of its decoder row at the other site that best fits, by least squares, what the site's
     * reconstruction misses without the latent.
     *
     * @param x inputs {@code [tokens, dIn]}
     * @param site 0 or 1: the one whose residual is fitted
     * @return {@code [latents]}: near 0 a latent of the other site alone, near 1 one that both share after all
     */
    public static float[] latentScaling(SparseAutoencoder crosscoder, float[] x, int site) {
        requirePair(crosscoder);
        BadInputException.requireIndex("site", site, 2);
        int n = crosscoder.config().latents();
        int width = crosscoder.config().dOut();
        int d = width / 2;
        if (x.length % width != 0) {
            throw new BadShapeException("activations", "rows of " + width + " values", x.length + " values");
        }
        Latents latents = crosscoder.encode(x);
        float[] out = crosscoder.decode(latents);
        float[] decoder = crosscoder.parameters().decoder();
        double[] products = new double[n];
        double[] squares = new double[n];
        for (int t = 0; t < latents.tokens(); t++) {
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1]; e++) {
                int i = latents.indices()[e];
                double f = latents.values()[e];
                for (int c = 0; c < d; c++) {
                    int at = t * width + site * d + c;
                    double own = f * decoder[i * width + site * d + c];
                    double rest = x[at] - out[at] + own;
                    double other = f * decoder[i * width + (1 - site) * d + c];
                    products[i] += rest * other;
                    squares[i] += other * other;
                }
            }
        }
        float[] factors = new float[n];
        for (int i = 0; i < n; i++) {
            factors[i] = squares[i] == 0 ? 0 : (float) (products[i] / squares[i]);
        }
        return factors;
    }

    private static void requirePair(SparseAutoencoder crosscoder) {
        if (crosscoder.config().sites() != 2) {
            throw new BadInputException("two sites are compared, found a crosscoder of "
                    + crosscoder.config().sites());
        }
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
