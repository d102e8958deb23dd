/**
 * Interventions as data: what is written, and where. Nothing here runs a model.
 *
 * <p>Read {@link dev.hyaline.instrument.edit.Target} first, then {@link dev.hyaline.instrument.edit.Intervention} and
 * {@link dev.hyaline.instrument.edit.Interventions}. {@code EditedModel} and {@code BaseRun} in
 * {@code dev.hyaline.instrument.run} run them.
 */
package dev.hyaline.instrument.edit;
