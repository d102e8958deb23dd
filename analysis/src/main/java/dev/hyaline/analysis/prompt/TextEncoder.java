package dev.hyaline.analysis.prompt;

/** Token ids of a text, with nothing put before or after it. A tokenizer's {@code encode} is one. */
@FunctionalInterface
public interface TextEncoder {
    int[] encode(String text);
}
