/**
 * The model as a graph of nodes that read from and write to the residual stream.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.graph.Node}, {@link dev.hyaline.analysis.graph.Receiver} (a node's
 * input), {@link dev.hyaline.analysis.graph.Edge}, {@link dev.hyaline.analysis.graph.ComputationGraph} (all of them).
 */
package dev.hyaline.analysis.graph;
