/**
 * Mechanisms: what words such as "copies" or "suppresses" promise of components, as sub-claims that must all hold.
 *
 * <p>A {@link dev.hyaline.analysis.investigation.mechanism.Mechanism} gives its
 * {@link dev.hyaline.analysis.investigation.mechanism.SubClaim}s, and
 * {@link dev.hyaline.analysis.investigation.mechanism.MechanismFinding} tests them on a
 * {@link dev.hyaline.analysis.investigation.mechanism.MechanismStudy}.
 */
@NullMarked
package dev.hyaline.analysis.investigation.mechanism;

import org.jspecify.annotations.NullMarked;
