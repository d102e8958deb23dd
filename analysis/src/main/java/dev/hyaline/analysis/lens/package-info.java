/**
 * Answers read from a run without editing it.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.lens.LogitLens} (the residual stream through the final norm and the
 * unembedding), {@link dev.hyaline.analysis.lens.DirectLogitAttribution} (the logit difference by what writes it).
 */
package dev.hyaline.analysis.lens;
