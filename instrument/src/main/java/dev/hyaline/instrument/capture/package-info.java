/**
 * Recordings of activations, and the residual stream taken apart.
 *
 * <p>Read {@link dev.hyaline.instrument.capture.Capture} first, which names what is recorded; then
 * {@link dev.hyaline.instrument.capture.ActivationCache}, which holds it in memory, and
 * {@link dev.hyaline.instrument.capture.ResidualStack} and {@link dev.hyaline.instrument.capture.LogitAttribution},
 * which it makes. {@link dev.hyaline.instrument.capture.CapturePasses} hands values on without keeping them.
 */
package dev.hyaline.instrument.capture;
