/**
 * Interventions as JSON. {@link dev.hyaline.instrument.json.InterventionJson} describes the format, writes and reads
 * it.
 */
package dev.hyaline.instrument.json;
