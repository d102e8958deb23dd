/**
 * Checkpoints on disk. Start with {@link dev.hyaline.weights.Checkpoint}, which opens a model in any format, then
 * {@link dev.hyaline.weights.Tokenizer} and {@link dev.hyaline.weights.Conversion}; models of the Hugging Face hub are
 * in {@code hub}.
 */
package dev.hyaline.weights;
