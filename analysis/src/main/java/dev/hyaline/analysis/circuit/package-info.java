/**
 * Circuits: which edges of a model's graph do a task, and how well they do it alone.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.circuit.Circuit} (the edges that are kept),
 * {@link dev.hyaline.analysis.circuit.CircuitExperiment} (running circuits),
 * {@link dev.hyaline.analysis.circuit.EdgeScores} (how much each edge matters),
 * {@link dev.hyaline.analysis.circuit.CircuitSelection} (from scores to a circuit).
 */
package dev.hyaline.analysis.circuit;
