/**
 * Options that several commands share, and their meaning: models, prompts, pairs, sites, edits, files. A command mixes
 * them in; {@link dev.hyaline.tools.option.CheckedOptions} are checked before anything is run.
 */
package dev.hyaline.tools.option;
