/**
 * Autoencoders in a model's pass: activations replaced by reconstructions, with or without the error, and latents
 * edited. Start with {@link dev.hyaline.analysis.sparse.splice.Splice}.
 */
package dev.hyaline.analysis.sparse.splice;
