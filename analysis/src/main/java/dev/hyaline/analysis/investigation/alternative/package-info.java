/**
 * Alternatives: what else would give the result that a claim predicts. Each is excluded only by its own test.
 *
 * <p>An {@link dev.hyaline.analysis.investigation.alternative.Alternative} tests a
 * {@link dev.hyaline.analysis.investigation.TestedClaim} and gives an
 * {@link dev.hyaline.analysis.investigation.alternative.AlternativeFinding}.
 */
@NullMarked
package dev.hyaline.analysis.investigation.alternative;

import org.jspecify.annotations.NullMarked;
