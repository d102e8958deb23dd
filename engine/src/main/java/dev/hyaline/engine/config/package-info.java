/** The sizes of a model, {@link dev.hyaline.engine.config.Gpt2Config}, from which all shapes follow. */
package dev.hyaline.engine.config;
