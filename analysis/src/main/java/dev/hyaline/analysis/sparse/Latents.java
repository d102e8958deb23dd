package dev.hyaline.analysis.sparse;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * The latents of some tokens, those alone that are not zero, and what brings a decoded token back into the units of the
 * input. The arrays are not copied.
 *
 * @param width number of latents, zeros counted
 * @param offsets of each token's latents in the next two arrays, and their number at the end: {@code [tokens + 1]}
 * @param indices latents, ascending within a token
 * @param values their activations
 * @param scale by token, of an output; empty where it is 1
 * @param shift by token, added to an output; empty where it is 0
 */
public record Latents(int width, int[] offsets, int[] indices, float[] values, float[] scale, float[] shift) {
    private static final float[] NONE = {};

    public Latents {
        int end = offsets[offsets.length - 1];
        if (indices.length < end || values.length < end) {
            throw new BadShapeException("latents", "at least " + end + " values", indices.length + " values");
        }
    }

    /**
     * Takes latents from rows with zeros.
     *
     * @param dense {@code [tokens, width]}
     */
    public static Latents of(float[] dense, int width) {
        if (width < 1 || dense.length % width != 0) {
            throw new BadShapeException("latents", "rows of " + width + " values", dense.length + " values");
        }
        int tokens = dense.length / width;
        int[] offsets = new int[tokens + 1];
        int count = 0;
        for (float value : dense) {
            count += value != 0 ? 1 : 0;
        }
        int[] indices = new int[count];
        float[] values = new float[count];
        int to = 0;
        for (int t = 0; t < tokens; t++) {
            for (int i = 0; i < width; i++) {
                if (dense[t * width + i] != 0) {
                    indices[to] = i;
                    values[to++] = dense[t * width + i];
                }
            }
            offsets[t + 1] = to;
        }
        return new Latents(width, offsets, indices, values, NONE, NONE);
    }

    public int tokens() {
        return offsets.length - 1;
    }

    /** Number of latents of all tokens that are not zero. */
    public int count() {
        return offsets[offsets.length - 1];
    }

    /** Activation of one latent. */
    public float get(int token, int latent) {
        BadInputException.requireIndex("token", token, tokens());
        BadInputException.requireIndex("latent", latent, width);
        int at = Arrays.binarySearch(indices, offsets[token], offsets[token + 1], latent);
        return at < 0 ? 0 : values[at];
    }

    /** With zeros, {@code [tokens, width]}. */
    public float[] dense() {
        float[] dense = new float[Math.multiplyExact(tokens(), width)];
        for (int t = 0; t < tokens(); t++) {
            for (int e = offsets[t]; e < offsets[t + 1]; e++) {
                dense[t * width + indices[e]] = values[e];
            }
        }
        return dense;
    }

    /** Mean number of latents a token; empty without tokens. */
    public OptionalDouble l0() {
        return tokens() == 0 ? OptionalDouble.empty() : OptionalDouble.of((double) count() / tokens());
    }

    /** The same tokens with other latents. */
    public Latents with(Latents other) {
        if (other.width != width || other.tokens() != tokens()) {
            throw new BadShapeException(
                    "latents", tokens() + " tokens of " + width, other.tokens() + " tokens of " + other.width);
        }
        return new Latents(width, other.offsets, other.indices, other.values, scale, shift);
    }

    /** The same latents without entries that are zero. */
    Latents withoutZeros() {
        int[] offsetsLeft = new int[tokens() + 1];
        int[] indicesLeft = new int[count()];
        float[] valuesLeft = new float[count()];
        int to = 0;
        for (int t = 0; t < tokens(); t++) {
            for (int e = offsets[t]; e < offsets[t + 1]; e++) {
                if (values[e] != 0) {
                    indicesLeft[to] = indices[e];
                    valuesLeft[to++] = values[e];
                }
            }
            offsetsLeft[t + 1] = to;
        }
        return new Latents(width, offsetsLeft, indicesLeft, valuesLeft, scale, shift);
    }

    @Override
    public String toString() {
        return count() + " latents of " + tokens() + " tokens, width " + width;
    }
}
