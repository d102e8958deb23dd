package dev.hyaline.analysis.sparse.train;

/**
 * The losses of one batch, each with its coefficient, and how sparse it was.
 *
 * @param total their sum
 * @param reconstruction the error of the whole dictionary and of the prefixes
 * @param sparsity the penalty
 * @param auxiliary the second reconstruction of gates or of 4 k latents, and what pulls at dead latents
 * @param gradientNorm length of the gradient, before it is projected and clipped
 * @param l0 mean number of latents a token
 */
public record Losses(
        double total, double reconstruction, double sparsity, double auxiliary, double gradientNorm, double l0) {}
