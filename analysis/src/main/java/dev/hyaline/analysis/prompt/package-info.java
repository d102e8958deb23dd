/**
 * Pairs of clean and corrupted prompts.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.prompt.PromptPair}, {@link dev.hyaline.analysis.prompt.PromptPairs}
 * (those of a study), and where they come from: {@link dev.hyaline.analysis.prompt.Task} (drawn),
 * {@link dev.hyaline.analysis.prompt.PairTemplate} (a text with slots), {@link dev.hyaline.analysis.prompt.PairFile}
 * (JSON). {@link dev.hyaline.analysis.prompt.PromptEncoder} makes tokens of texts.
 */
package dev.hyaline.analysis.prompt;
