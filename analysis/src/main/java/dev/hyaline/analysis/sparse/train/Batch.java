package dev.hyaline.analysis.sparse.train;

/**
 * The tokens of one step, and what is the same for all of them.
 *
 * @param x inputs {@code [tokens, dIn]}
 * @param y what is to be reconstructed {@code [tokens, dOut]}
 * @param h inputs as the encoder takes them {@code [tokens, dIn]}
 * @param dead which latents count as dead
 * @param norms lengths of the decoder rows
 * @param penalty the penalty's coefficient in this step
 * @param step number of steps before this one
 */
record Batch(int tokens, float[] x, float[] y, float[] h, boolean[] dead, float[] norms, double penalty, long step) {}
