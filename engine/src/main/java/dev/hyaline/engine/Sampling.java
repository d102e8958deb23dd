package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;

/**
 * The way the next token is drawn from logits, as Hugging Face's {@code generate} does it: divide by temperature, keep
 * the {@code topK} largest, keep the smallest set whose probability reaches {@code topP}, draw.
 *
 * @param temperature 0 takes the likeliest token (the lowest id among equals)
 * @param topK 0 keeps all
 * @param topP 1 keeps all
 * @param seed the same seed, model and prompt give the same text, whatever else shares the batch
 */
public record Sampling(float temperature, int topK, float topP, long seed) {
    public Sampling {
        if (!(temperature >= 0) || Float.isInfinite(temperature)) {
            throw new BadInputException("temperature must be a finite number of at least 0, found " + temperature);
        }
        if (topK < 0) {
            throw new BadInputException("top-k must be at least 0 (0 keeps all), found " + topK);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new BadInputException("top-p must be above 0 and at most 1, found " + topP);
        }
    }

    /** The likeliest token each time. */
    public static Sampling greedy() {
        return new Sampling(0, 0, 1, 0);
    }

    public static Sampling seeded(long seed) {
        return new Sampling(1, 0, 1, seed);
    }

    public Sampling temperature(float temperature) {
        return new Sampling(temperature, topK, topP, seed);
    }

    public Sampling topK(int topK) {
        return new Sampling(temperature, topK, topP, seed);
    }

    public Sampling topP(float topP) {
        return new Sampling(temperature, topK, topP, seed);
    }
}
