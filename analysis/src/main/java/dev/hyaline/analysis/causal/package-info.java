/**
 * Sweeps of edits over pairs of prompts: activation patching, path patching and ablation.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.causal.PairRuns} (the runs that are edited),
 * {@link dev.hyaline.analysis.causal.Experiment} (those and a metric), {@link dev.hyaline.analysis.causal.Sweep} (a
 * table of edits) and its kinds {@link dev.hyaline.analysis.causal.ActivationPatch},
 * {@link dev.hyaline.analysis.causal.AblationSweep} and {@link dev.hyaline.analysis.causal.PathPatching},
 * {@link dev.hyaline.analysis.causal.SweepResult}.
 */
package dev.hyaline.analysis.causal;
