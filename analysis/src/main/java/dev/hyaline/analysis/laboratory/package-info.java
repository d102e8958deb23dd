/**
 * The laboratory: it carries an investigation out, from its file to its report, in phases each of which is a function
 * of what earlier ones wrote.
 *
 * <p>{@link dev.hyaline.analysis.laboratory.Laboratory} runs the phases and resumes a study that was stopped;
 * {@link dev.hyaline.analysis.laboratory.PromptSplit} divides prompts into the half that a circuit is found on and the
 * {@link dev.hyaline.analysis.laboratory.Sealed} half that claims are tested on.
 */
@NullMarked
package dev.hyaline.analysis.laboratory;

import org.jspecify.annotations.NullMarked;
