/**
 * Tests whether a finding stays the same under variations: other prompts, templates, ablations, metrics, beginnings and
 * precision.
 *
 * <p>{@link dev.hyaline.analysis.robustness.Variations} repeats a method;
 * {@link dev.hyaline.analysis.robustness.Robustness} scores what comes out.
 */
package dev.hyaline.analysis.robustness;
