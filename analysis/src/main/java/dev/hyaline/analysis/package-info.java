/**
 * {@link dev.hyaline.analysis.SummaryStatistics}, which depends on nothing else.
 *
 * <p>Reading order of the module: {@code prompt} (pairs of prompts), {@code metric} (what is measured of a run),
 * {@code causal} (sweeps of edits), {@code graph} (nodes and edges that paths go through), {@code lens} and
 * {@code attention} (what needs no edit), {@code circuit} (the edges that do a task), {@code sparse} (autoencoders),
 * {@code statistics}, {@code robustness} and {@code sanity} (what a finding is worth), {@code table} and
 * {@code picture} (results on paper).
 */
package dev.hyaline.analysis;
