/**
 * Latents that one looks at: where each fires, what it writes and which others it resembles, as pages that open in a
 * browser and as Neuronpedia's JSON. Start with {@link dev.hyaline.analysis.sparse.feature.LatentStudy}.
 */
package dev.hyaline.analysis.sparse.feature;
