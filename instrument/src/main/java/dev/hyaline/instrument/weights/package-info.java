/**
 * Weights as matrices: products and their decompositions, composition scores and the processing of weights.
 *
 * <p>Read {@link dev.hyaline.instrument.weights.ModelWeights} first, then
 * {@link dev.hyaline.instrument.weights.FactoredMatrix} and {@link dev.hyaline.instrument.weights.WeightProcessing}.
 */
package dev.hyaline.instrument.weights;
