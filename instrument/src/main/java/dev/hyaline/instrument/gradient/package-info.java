/**
 * Gradients of a scalar of the logits at every site. {@link dev.hyaline.instrument.gradient.Objective} is the scalar,
 * {@link dev.hyaline.instrument.gradient.Gradients} what is kept of its gradients in memory, and
 * {@link dev.hyaline.instrument.gradient.GradientPass} the passes, for whoever keeps them otherwise.
 */
package dev.hyaline.instrument.gradient;
