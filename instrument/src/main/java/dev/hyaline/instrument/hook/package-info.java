/**
 * Hooks of one's own: a hook point's name and a function that reads or edits what a pass has there. Start with
 * {@link dev.hyaline.instrument.hook.Hooks}, which runs them, then {@link dev.hyaline.instrument.hook.Hook} and
 * {@link dev.hyaline.instrument.hook.ActivationView}, which a hook's function is given.
 */
package dev.hyaline.instrument.hook;
