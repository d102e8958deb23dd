/**
 * Runs of edited models.
 *
 * <p>Read {@link dev.hyaline.instrument.run.EditedModel} first: whole passes, recordings and generation under
 * interventions. {@link dev.hyaline.instrument.run.BaseRun} and its {@link dev.hyaline.instrument.run.Rerun} recompute,
 * for each of many edits, only what it can change.
 */
package dev.hyaline.instrument.run;
