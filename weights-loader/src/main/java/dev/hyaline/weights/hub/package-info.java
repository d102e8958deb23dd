/**
 * Models of the Hugging Face hub: found in the cache that Python's {@code huggingface_hub} keeps, or downloaded into
 * it.
 */
package dev.hyaline.weights.hub;
