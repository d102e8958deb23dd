/**
 * The types that all of the laboratory shares: prompts, hook points by name, selections of indices and recorded
 * activations.
 *
 * <p>Read {@link dev.hyaline.instrument.Prompts}, {@link dev.hyaline.instrument.HookPoints} and
 * {@link dev.hyaline.instrument.IndexSelection} first, then {@link dev.hyaline.instrument.ActivationSource}, from which
 * interventions take values. The packages below build on it in this order: {@code capture} and {@code edit};
 * {@code run} and {@code dump}; {@code json}.
 */
package dev.hyaline.instrument;
