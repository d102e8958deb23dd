/**
 * Forced activation: values written into clean runs, to see what breaks, and into corrupted ones, to see what comes
 * back.
 */
@NullMarked
package dev.hyaline.analysis.investigation.force;

import org.jspecify.annotations.NullMarked;
