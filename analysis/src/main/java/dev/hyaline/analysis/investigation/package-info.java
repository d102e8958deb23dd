/**
 * Investigations: a behaviour, claims about the model's inside, each with a direction and a number, experiments that
 * test them, and verdicts.
 *
 * <p>{@link dev.hyaline.analysis.investigation.Investigation} is the file and
 * {@link dev.hyaline.analysis.investigation.Claim} one statement in it;
 * {@link dev.hyaline.analysis.investigation.Evidence} runs a claim's experiment,
 * {@link dev.hyaline.analysis.investigation.ClaimTest} tests what that gave, and
 * {@link dev.hyaline.analysis.investigation.ClaimFinding} holds the numbers that decide.
 */
package dev.hyaline.analysis.investigation;
