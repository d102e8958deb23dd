/**
 * A GPT-2 and what it runs: weights, requests, caches, generated text.
 *
 * <p>Reading order: {@link dev.hyaline.engine.Gpt2}, the model; {@link dev.hyaline.engine.ForwardRequest} and
 * {@link dev.hyaline.engine.Sequence}, what a pass is asked; {@link dev.hyaline.engine.KvCache},
 * {@link dev.hyaline.engine.Decoder} and {@link dev.hyaline.engine.Generator} for text token by token;
 * {@link dev.hyaline.engine.config.Gpt2Config} and {@link dev.hyaline.engine.Gpt2Weights} for what a model is made of.
 * The pass itself is {@code internal.forward.ForwardPass}; its sites are in {@link dev.hyaline.engine.site}.
 */
package dev.hyaline.engine;
