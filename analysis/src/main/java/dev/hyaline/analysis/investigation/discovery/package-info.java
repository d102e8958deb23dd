/**
 * Tests of a circuit that a search found: what each component costs alone, and whether the circuit is what it seems.
 */
@NullMarked
package dev.hyaline.analysis.investigation.discovery;

import org.jspecify.annotations.NullMarked;
