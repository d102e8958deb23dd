/**
 * Circuits: which edges of a model's graph do a task, and how well they do it alone.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.circuit.Circuit} (the edges that are kept),
 * {@link dev.hyaline.analysis.circuit.CircuitExperiment} (running circuits),
 * {@link dev.hyaline.analysis.circuit.EdgeScores} (how much each edge matters),
 * {@link dev.hyaline.analysis.circuit.EdgeScoring} (the methods that score),
 * {@link dev.hyaline.analysis.circuit.CircuitSelection} (from scores to a circuit), and how a circuit is judged:
 * {@link dev.hyaline.analysis.circuit.CircuitEvaluation} (alone, and the model without it),
 * {@link dev.hyaline.analysis.circuit.CircuitClaims} (tests), {@link dev.hyaline.analysis.circuit.CircuitCurve}
 * (faithfulness by size). Other searches are {@link dev.hyaline.analysis.circuit.Acdc},
 * {@link dev.hyaline.analysis.circuit.LearnedMasks} and {@link dev.hyaline.analysis.circuit.IterativeAblation}; files
 * of other tools come through {@link dev.hyaline.analysis.circuit.GraphFile} and
 * {@link dev.hyaline.analysis.circuit.EdgeList}.
 */
package dev.hyaline.analysis.circuit;
