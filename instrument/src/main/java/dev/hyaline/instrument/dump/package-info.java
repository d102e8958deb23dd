/**
 * Activations on disk: dumps of prompts in one file, dumps of a corpus in shards, and their readers.
 *
 * <p>Read {@link dev.hyaline.instrument.dump.Dump} and {@link dev.hyaline.instrument.dump.DumpFolder} first. For a
 * corpus read {@link dev.hyaline.instrument.dump.CorpusDump}, then {@link dev.hyaline.instrument.dump.ActivationStore},
 * which reads its shards. {@link dev.hyaline.instrument.dump.PromptDump} reads a dump of prompts;
 * {@link dev.hyaline.instrument.dump.DumpReader} opens either kind for interventions.
 */
package dev.hyaline.instrument.dump;
