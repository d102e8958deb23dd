/**
 * The shortest way in: {@link dev.hyaline.instrument.model.LanguageModel} opens a model by its name and takes prompts
 * as text. What it does is made of the other packages, which take its {@code model()} and {@code prompts(...)}.
 */
package dev.hyaline.instrument.model;
