/**
 * Checks that a method of analysis must pass before its findings mean anything: it finds more than chance does, reads
 * the model and not the prompts alone, and gives the same numbers again.
 *
 * <p>{@link dev.hyaline.analysis.sanity.SanitySuite} runs the checks on a {@link dev.hyaline.analysis.sanity.Method};
 * {@link dev.hyaline.analysis.sanity.PlainForward} is the forward pass that the engine's numbers are compared with.
 */
package dev.hyaline.analysis.sanity;
