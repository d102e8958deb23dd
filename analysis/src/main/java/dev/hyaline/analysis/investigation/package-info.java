/**
 * Investigations: a behaviour, claims about the model's inside, each with a direction and a number, and verdicts on
 * them.
 *
 * <p>{@link dev.hyaline.analysis.investigation.Investigation} is the file; a
 * {@link dev.hyaline.analysis.investigation.Claim} is one statement, and
 * {@link dev.hyaline.analysis.investigation.ClaimFinding} the numbers that decide on it.
 */
package dev.hyaline.analysis.investigation;
