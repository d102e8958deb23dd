package dev.hyaline.analysis.sparse;

import dev.hyaline.analysis.sparse.internal.DecoderPursuit;
import dev.hyaline.analysis.sparse.internal.PackedRows;
import dev.hyaline.analysis.sparse.internal.Selection;
import dev.hyaline.analysis.sparse.internal.Selector;
import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.analysis.sparse.internal.TokenLists;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;

/**
 * A sparse autoencoder, transcoder or crosscoder ready to run: activations to latents and back. Inputs and outputs are
 * {@code [tokens, width]}, row-major; those of a crosscoder have its sites end to end in each row.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/JavadocExamplesTest.java" region="encode"}
 *
 * <p>Latents are found while a tile of the encoder's product is in the cache; no array of tokens times latents is ever
 * formed. A token's bits depend on no other token, nor on threads or kernels, except where the activation itself looks
 * at all tokens ({@link LatentActivation.BatchTopK}). Immutable; one thread encodes at a time, others wait.
 */
public final class SparseAutoencoder {
    private static final float[] NONE = {};

    private final SaeConfig config;
    private final SaeParameters parameters;
    private final SaeMetadata metadata;
    private final Kernels kernels = TileProduct.kernels();
    private final WorkerPool pool;
    private final Selector selector;
    private final DecoderPursuit pursuit;
    private final float[] decoderNorms;
    private final PackedMatrix encoder;
    private final PackedMatrix skip;

    private SparseAutoencoder(SaeConfig config, SaeParameters parameters, SaeMetadata metadata, int threads) {
        parameters.require(config);
        this.config = config;
        this.parameters = parameters;
        this.metadata = metadata;
        pool = new WorkerPool(threads);
        selector = new Selector(kernels, pool);
        pursuit = new DecoderPursuit(kernels, pool, parameters.decoder(), config.dOut());
        decoderNorms = PackedRows.lengths(parameters.decoder(), config.latents(), config.dOut());
        float[] encoderRows = config.activation() instanceof LatentActivation.MatchingPursuit
                ? parameters.decoder()
                : parameters.encoder();
        encoder = PackedRows.transposed(encoderRows, config.latents(), config.dIn(), parameters.encoderBias(), pool);
        skip = parameters.skip().length == 0
                ? PackedMatrix.zeros(0, 0, false)
                : PackedRows.transposed(parameters.skip(), config.dOut(), config.dIn(), NONE, pool);
    }

    /**
     * An autoencoder on {@link Gpt2#defaultThreads}.
     *
     * @throws BadShapeException naming a parameter that does not fit the configuration
     */
    public static SparseAutoencoder of(SaeConfig config, SaeParameters parameters, SaeMetadata metadata) {
        return new SparseAutoencoder(config, parameters, metadata, Gpt2.defaultThreads());
    }

    /**
     * The same on a number of threads, the caller's included.
     *
     * @throws BadInputException if there are none, or more than {@link Gpt2#MAX_THREADS}
     */
    public SparseAutoencoder onThreads(int threads) {
        return new SparseAutoencoder(config, parameters, metadata, threads);
    }

    public SaeConfig config() {
        return config;
    }

    /** The parameters; not copied. */
    public SaeParameters parameters() {
        return parameters;
    }

    public SaeMetadata metadata() {
        return metadata;
    }

    /** Length of each decoder row, {@code [latents]}; not copied. */
    public float[] decoderNorms() {
        return decoderNorms;
    }

    /** A copy of a latent's decoder row, {@code [dOut]}. */
    public float[] decoderRow(int latent) {
        BadInputException.requireIndex("latent", latent, config.latents());
        return Arrays.copyOfRange(parameters.decoder(), latent * config.dOut(), (latent + 1) * config.dOut());
    }

    /**
     * Encodes tokens.
     *
     * @param x {@code [tokens, dIn]}
     */
    public synchronized Latents encode(float[] x) {
        NormalizedInput input = input(x);
        Latents kept = latents(lists(input), input.scale(), input.shift());
        return activated(kept);
    }

    /** Inputs as the encoder takes them. */
    private NormalizedInput input(float[] x) {
        tokens(x, config.dIn());
        NormalizedInput input = NormalizedInput.of(config.normalization(), x, config.dIn());
        if (config.subtractsDecoderBias()) {
            input.subtract(parameters.decoderBias());
        }
        return input;
    }

    /** The latents of all tokens, end to end. */
    private Latents latents(TokenLists lists, float[] scale, float[] shift) {
        int[] offsets = lists.offsets();
        int[] indices = new int[offsets[lists.tokens()]];
        float[] values = new float[indices.length];
        pool.run(lists.tokens(), (worker, t) -> {
            System.arraycopy(lists.indices(t), 0, indices, offsets[t], lists.indices(t).length);
            System.arraycopy(lists.values(t), 0, values, offsets[t], lists.values(t).length);
        });
        return new Latents(config.latents(), offsets, indices, values, scale, shift);
    }

    private TokenLists lists(NormalizedInput input) {
        float[] h = input.values();
        int tokens = input.tokens();
        int n = config.latents();
        float[] scale = config.activation().isRescaled() ? decoderNorms : NONE;
        return switch (config.activation()) {
            case LatentActivation.Relu relu -> selector.select(h, tokens, encoder, new Selection.Above(new float[n]));
            case LatentActivation.Gated gated -> {
                float[] cuts = parameters.gateBias().clone();
                for (int i = 0; i < n; i++) {
                    cuts[i] = -cuts[i];
                }
                yield selector.select(h, tokens, encoder, new Selection.Above(cuts));
            }
            case LatentActivation.TopK top ->
                selector.select(h, tokens, encoder, Selection.Top.positive(Math.min(top.k(), n), scale));
            case LatentActivation.BatchTopK top -> {
                TokenLists lists = selector.select(h, tokens, encoder, new Selection.AboveScaled(scale, 0));
                Selection.keepLargest(lists, (long) Math.floor(top.k() * tokens));
                yield lists;
            }
            case LatentActivation.Threshold cut ->
                selector.select(h, tokens, encoder, new Selection.AboveScaled(scale, cut.threshold()));
            case LatentActivation.JumpRelu jump -> {
                float[] cuts = parameters.threshold().clone();
                for (int i = 0; i < n; i++) {
                    cuts[i] = Math.max(cuts[i], 0);
                }
                yield selector.select(h, tokens, encoder, new Selection.Above(cuts));
            }
            case LatentActivation.GroupMax groups ->
                selector.select(h, tokens, encoder, new Selection.GroupMax(groups.groups()));
            case LatentActivation.MatchingPursuit(float residualThreshold, int maxIterations) ->
                pursuit.matching(h, residualThreshold, maxIterations);
        };
    }

    /** Turns what was kept of each latent into its activation, and leaves out those that are zero. */
    private Latents activated(Latents kept) {
        float[] values = kept.values();
        boolean zeros = false;
        switch (config.activation()) {
            case LatentActivation.Gated gated -> {
                for (int e = 0; e < kept.count(); e++) {
                    int i = kept.indices()[e];
                    float scale = (float) Math.exp(parameters.magnitudeScale()[i]);
                    values[e] = Math.max(values[e] * scale + parameters.magnitudeBias()[i], 0);
                    zeros |= values[e] == 0;
                }
            }
            case LatentActivation.TopK top
            when top.rescaled() -> {
                for (int e = 0; e < kept.count(); e++) {
                    values[e] *= decoderNorms[kept.indices()[e]];
                }
            }
            case LatentActivation.Threshold cut when cut.threshold() < 0 -> zeros = true;
            default -> {}
        }
        return zeros ? kept.withoutZeros() : kept;
    }

    /**
     * The pre-activations {@code h W_enc + b_enc} of tokens, {@code [tokens, latents]}: {@code hook_sae_acts_pre}. Of
     * gated autoencoders {@code h W_enc} alone.
     *
     * @param x {@code [tokens, dIn]}
     */
    public synchronized float[] preActivations(float[] x) {
        NormalizedInput input = input(x);
        float[] all = new float[Math.multiplyExact(input.tokens(), config.latents())];
        selector.product()
                .run(input.values(), input.tokens(), encoder, TileProduct.Reader.copying(all, config.latents()));
        return all;
    }

    /**
     * Decodes latents, without a skip transcoder's skip, which is of the input.
     *
     * @return {@code [tokens, dOut]}, in the units of the input where the latents know them
     */
    public float[] decode(Latents latents) {
        if (latents.width() != config.latents()) {
            throw new BadShapeException("latents", "[" + config.latents() + "]", "[" + latents.width() + "]");
        }
        int d = config.dOut();
        float[] factors = latents.values();
        if (config.activation().isRescaled()) {
            factors = new float[latents.count()];
            for (int e = 0; e < factors.length; e++) {
                factors[e] = latents.values()[e] / decoderNorms[latents.indices()[e]];
            }
        }
        float[] of = factors;
        float[] out = new float[Math.multiplyExact(latents.tokens(), d)];
        Rows rows = new Rows(parameters.decoder(), 0, d);
        pool.run(latents.tokens(), (worker, t) -> {
            System.arraycopy(parameters.decoderBias(), 0, out, t * d, d);
            kernels.sparse()
                    .addScaledRows(
                            out, t * d, d, of, latents.indices(), latents.offsets()[t], latents.offsets()[t + 1], rows);
            float scale = latents.scale().length == 0 ? 1 : latents.scale()[t];
            float shift = latents.shift().length == 0 ? 0 : latents.shift()[t];
            if (scale != 1 || shift != 0) {
                for (int c = t * d; c < (t + 1) * d; c++) {
                    out[c] = out[c] * scale + shift;
                }
            }
        });
        return out;
    }

    /**
     * Decodes the latents of tokens, and adds the skip of a skip transcoder.
     *
     * @param x what was encoded, {@code [tokens, dIn]}
     */
    public float[] reconstruct(float[] x, Latents latents) {
        float[] out = decode(latents);
        addSkip(x, out);
        return out;
    }

    /** Encodes and decodes tokens. */
    public float[] reconstruct(float[] x) {
        return reconstruct(x, encode(x));
    }

    private synchronized void addSkip(float[] x, float[] out) {
        if (skip.n() == 0) {
            return;
        }
        int d = config.dOut();
        selector.product()
                .run(x, x.length / config.dIn(), skip, (worker, tile, firstRow, endRow, firstColumn, columns) -> {
                    for (int row = firstRow; row < endRow; row++) {
                        kernels.add(out, row * d + firstColumn, tile, (row - firstRow) * TileProduct.COLUMNS, columns);
                    }
                });
    }

    /**
     * Codes of the decoder alone, by gradient pursuit: {@code k} times the row with the largest product with what is
     * left joins, and the codes of those chosen move along their gradient to the optimum on that line, cut at zero
     * (Blumensath and Davies 2008; "inference-time optimisation" in Smith 2024).
     *
     * @param x {@code [tokens, dOut]}
     * @param k from 1 to the number of latents
     * @throws BadInputException if {@code k} is another number
     */
    public Latents gradientPursuit(float[] x, int k) {
        if (k < 1 || k > config.latents()) {
            throw new BadInputException(
                    "gradient pursuit chooses from 1 to " + config.latents() + " latents, found k = " + k);
        }
        tokens(x, config.dOut());
        return latents(pursuit.gradient(x, parameters.decoderBias(), k), NONE, NONE);
    }

    private int tokens(float[] x, int width) {
        if (x.length % width != 0) {
            throw new BadShapeException("activations", "rows of " + width + " values", x.length + " values");
        }
        return x.length / width;
    }

    /**
     * The same autoencoder with its normalisation factor in the weights: outputs and L0 stay what they are. A threshold
     * on {@code z} times the decoder's length is divided by the factor as well. SAELens's
     * {@code fold_activation_norm_scaling_factor}.
     *
     * @throws BadInputException if activations are normalised one by one, which no weights can do
     */
    public SparseAutoencoder foldNormalization() {
        return SaeFolding.normalization(this);
    }

    /**
     * The same autoencoder with decoder rows of length one, the lengths in the encoder: latents are then in units of
     * the output. Rows shorter than 1e-8 are divided by that. SAELens's {@code fold_W_dec_norm}.
     *
     * @throws BadInputException if latents compete without the lengths, so that the choice would change
     */
    public SparseAutoencoder foldDecoderNorms() {
        return SaeFolding.decoderNorms(this);
    }

    /** Other weights on the same threads, with the same metadata. */
    SparseAutoencoder with(SaeConfig otherConfig, SaeParameters otherParameters) {
        return new SparseAutoencoder(otherConfig, otherParameters, metadata, pool.threads());
    }

    @Override
    public String toString() {
        return config + " of " + metadata;
    }
}
