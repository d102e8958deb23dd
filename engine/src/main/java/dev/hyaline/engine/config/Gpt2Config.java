package dev.hyaline.engine.config;

import dev.hyaline.engine.error.BadInputException;

/**
 * Everything about a GPT-2 that changes its arithmetic. Names are TransformerLens's; the keys of a Hugging Face
 * {@code config.json} in brackets.
 *
 * @param nLayers transformer blocks ({@code n_layer})
 * @param nHeads attention heads a block ({@code n_head})
 * @param dModel width of the residual stream ({@code n_embd})
 * @param dMlp neurons a block ({@code n_inner}, by default four times {@code dModel})
 * @param nCtx positions the model knows ({@code n_positions})
 * @param dVocab token ids, from 0 ({@code vocab_size})
 * @param eps added to the variance in LayerNorm ({@code layer_norm_epsilon})
 * @param actFn the MLP's non-linearity ({@code activation_function})
 * @param scaleAttnWeights whether scores are divided by the square root of {@code dHead} ({@code scale_attn_weights})
 * @param scaleAttnByInverseLayerIdx whether scores of layer {@code l} are divided by {@code l + 1} as well
 *     ({@code scale_attn_by_inverse_layer_idx})
 * @param tieWordEmbeddings whether the unembedding is the transposed token embedding ({@code tie_word_embeddings})
 */
public record Gpt2Config(
        int nLayers,
        int nHeads,
        int dModel,
        int dMlp,
        int nCtx,
        int dVocab,
        float eps,
        ActivationFunction actFn,
        boolean scaleAttnWeights,
        boolean scaleAttnByInverseLayerIdx,
        boolean tieWordEmbeddings) {

    public Gpt2Config {
        requirePositive("n_layer", nLayers);
        requirePositive("n_head", nHeads);
        requirePositive("n_embd", dModel);
        requirePositive("n_inner", dMlp);
        requirePositive("n_positions", nCtx);
        requirePositive("vocab_size", dVocab);
        if (dModel % nHeads != 0) {
            throw new BadInputException("n_embd must be a multiple of n_head, found " + dModel + " and " + nHeads);
        }
        if (!(eps >= 0) || Float.isInfinite(eps)) {
            throw new BadInputException("layer_norm_epsilon must be a finite number of at least 0, found " + eps);
        }
        requireArray("n_embd x n_embd", dModel, dModel);
        requireArray("n_embd x n_inner", dModel, dMlp);
        requireArray("n_inner x n_embd", dMlp, dModel);
        requireArray("n_embd x vocab_size", dModel, dVocab);
        requireArray("n_positions x n_embd", nCtx, dModel);
    }

    /** GPT-2 small's shape and arithmetic: 12 layers of 12 heads, width 768, 124 million parameters. */
    public static Gpt2Config gpt2Small() {
        return new Gpt2Config(12, 12, 768, 3072, 1024, 50257, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
    }

    /** The same configuration with an unembedding of its own. */
    public Gpt2Config untied() {
        return new Gpt2Config(
                nLayers,
                nHeads,
                dModel,
                dMlp,
                nCtx,
                dVocab,
                eps,
                actFn,
                scaleAttnWeights,
                scaleAttnByInverseLayerIdx,
                false);
    }

    /** Width of a head. */
    public int dHead() {
        return dModel / nHeads;
    }

    /** The factor of a layer's attention scores: the reciprocal of TransformerLens's {@code attn_scale}. */
    public float attnScale(int layer) {
        BadInputException.requireIndex("layer", layer, nLayers);
        double scale = 1;
        if (scaleAttnWeights) {
            scale /= Math.sqrt(dHead());
        }
        if (scaleAttnByInverseLayerIdx) {
            scale /= layer + 1;
        }
        return (float) scale;
    }

    /** Number of parameters; a tied unembedding counts once. */
    public long parameters() {
        long d = dModel;
        long block = 4 * d + d * 3 * d + 3 * d + d * d + d + d * dMlp + dMlp + dMlp * d + d;
        return nLayers * block + 2 * d + (nCtx + (tieWordEmbeddings ? 1L : 2L) * dVocab) * d;
    }

    private static void requirePositive(String key, int value) {
        if (value < 1) {
            throw new BadInputException(key + " must be at least 1, found " + value);
        }
    }

    /** A matrix is one Java array of whole panels, 32 columns each. */
    private static void requireArray(String what, int rows, int columns) {
        long padded = (columns + 31L) / 32 * 32;
        if (padded * rows > Integer.MAX_VALUE - 8) {
            throw new BadInputException(
                    what + " must stay below 2^31 values, columns padded to 32, found " + rows + " x " + columns);
        }
    }
}
