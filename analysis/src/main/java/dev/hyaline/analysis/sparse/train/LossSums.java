package dev.hyaline.analysis.sparse.train;

/** The losses of one batch as they add up, each with its coefficient. */
final class LossSums {
    double reconstruction;
    double sparsity;
    double auxiliary;
    /** Mean number of latents a token. */
    double l0;

    Losses losses(double gradientNorm) {
        return new Losses(reconstruction + sparsity + auxiliary, reconstruction, sparsity, auxiliary, gradientNorm, l0);
    }
}
