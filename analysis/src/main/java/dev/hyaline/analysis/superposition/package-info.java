/**
 * Superposition: more features than dimensions (Elhage et al. 2022, "Toy Models of Superposition").
 *
 * <p>{@link dev.hyaline.analysis.superposition.FeatureGeometry} measures how directions share a space, whatever they
 * are of. {@link dev.hyaline.analysis.superposition.ToyModel} and
 * {@link dev.hyaline.analysis.superposition.ToyTraining} are the toy models with known answers.
 * {@link dev.hyaline.analysis.superposition.SuperpositionStudy} learns the features of a layer in two ways and measures
 * them side by side; {@link dev.hyaline.analysis.superposition.FeatureTests} edits the strongest of them to see whether
 * the model uses them.
 */
@NullMarked
package dev.hyaline.analysis.superposition;

import org.jspecify.annotations.NullMarked;
