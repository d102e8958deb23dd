/**
 * Measures of autoencoders under SAEBench's names: of their reconstructions, of the model that runs on these, of how
 * often latents fire, and of how alike dictionaries are. Start with
 * {@link dev.hyaline.analysis.sparse.measure.SaeEvaluation}.
 */
package dev.hyaline.analysis.sparse.measure;
