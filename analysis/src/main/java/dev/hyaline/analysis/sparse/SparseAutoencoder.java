package dev.hyaline.analysis.sparse;

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
import java.util.stream.IntStream;

/**
 * A sparse autoencoder, transcoder or crosscoder ready to run: activations to latents and back. Inputs and outputs are
 * {@code [tokens, width]}, row-major; those of a crosscoder have its sites end to end in each row.
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

    /** The same weights, said to come from somewhere else. */
    public SparseAutoencoder withMetadata(SaeMetadata other) {
        return new SparseAutoencoder(config, parameters, other, pool.threads());
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
        int tokens = tokens(x, config.dIn());
        Normalized normalized = normalize(x, tokens);
        if (config.subtractsDecoderBias()) {
            subtractBias(normalized.h, tokens);
        }
        TokenLists lists = lists(normalized.h, tokens);
        int[] offsets = lists.offsets();
        int[] indices = new int[offsets[tokens]];
        float[] values = new float[indices.length];
        pool.run(tokens, (worker, t) -> {
            System.arraycopy(lists.indices(t), 0, indices, offsets[t], lists.indices(t).length);
            System.arraycopy(lists.values(t), 0, values, offsets[t], lists.values(t).length);
        });
        Latents found = new Latents(config.latents(), offsets, indices, values, normalized.scale, normalized.shift);
        return activated(found);
    }

    private TokenLists lists(float[] h, int tokens) {
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
            case LatentActivation.MatchingPursuit pursuit -> pursue(h, tokens, pursuit);
        };
    }

    /** What was kept of each latent, as its activation. Those that come out as zero are left out. */
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
        return zeros ? withoutZeros(kept) : kept;
    }

    private static Latents withoutZeros(Latents latents) {
        int[] offsets = new int[latents.tokens() + 1];
        int[] indices = new int[latents.count()];
        float[] values = new float[latents.count()];
        int to = 0;
        for (int t = 0; t < latents.tokens(); t++) {
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1]; e++) {
                if (latents.values()[e] != 0) {
                    indices[to] = latents.indices()[e];
                    values[to++] = latents.values()[e];
                }
            }
            offsets[t + 1] = to;
        }
        return new Latents(latents.width(), offsets, indices, values, latents.scale(), latents.shift());
    }

    /**
     * The pre-activations {@code h W_enc + b_enc} of tokens, {@code [tokens, latents]}: {@code hook_sae_acts_pre}. Of
     * gated autoencoders {@code h W_enc} alone.
     *
     * @param x {@code [tokens, dIn]}
     */
    public synchronized float[] preActivations(float[] x) {
        int tokens = tokens(x, config.dIn());
        Normalized normalized = normalize(x, tokens);
        if (config.subtractsDecoderBias()) {
            subtractBias(normalized.h, tokens);
        }
        float[] all = new float[Math.multiplyExact(tokens, config.latents())];
        selector.product().run(normalized.h, tokens, encoder, new TileProduct.Reader() {
            @Override
            public void tile(int worker, float[] tile, int firstRow, int endRow, int firstColumn, int columns) {
                for (int row = firstRow; row < endRow; row++) {
                    System.arraycopy(
                            tile,
                            (row - firstRow) * TileProduct.COLUMNS,
                            all,
                            row * config.latents() + firstColumn,
                            columns);
                }
            }

            @Override
            public void done(int worker, int firstRow, int endRow) {}
        });
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
        selector.product().run(x, x.length / config.dIn(), skip, new TileProduct.Reader() {
            @Override
            public void tile(int worker, float[] tile, int firstRow, int endRow, int firstColumn, int columns) {
                for (int row = firstRow; row < endRow; row++) {
                    kernels.add(out, row * d + firstColumn, tile, (row - firstRow) * TileProduct.COLUMNS, columns);
                }
            }

            @Override
            public void done(int worker, int firstRow, int endRow) {}
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
        int d = config.dOut();
        int tokens = tokens(x, d);
        TokenLists lists = new TokenLists(tokens);
        int[] all = IntStream.range(0, config.latents()).toArray();
        Rows rows = new Rows(parameters.decoder(), 0, d);
        pool.run(tokens, (worker, t) -> {
            float[] rest = new float[d];
            for (int c = 0; c < d; c++) {
                rest[c] = x[t * d + c] - parameters.decoderBias()[c];
            }
            float[] target = rest.clone();
            float[] codes = new float[all.length];
            boolean[] chosen = new boolean[all.length];
            float[] products = new float[all.length];
            for (int step = 0; step < k; step++) {
                kernels.sparse().dotRows(products, rest, 0, d, all, 0, all.length, rows);
                chosen[largest(products)] = true;
                float[] gradient = new float[all.length];
                for (int i = 0; i < all.length; i++) {
                    gradient[i] = chosen[i] ? products[i] : 0;
                }
                float[] move = new float[d];
                kernels.sparse().addScaledRows(move, 0, d, gradient, all, 0, all.length, rows);
                float length = kernels.gradients().dot(move, 0, move, 0, d);
                float step1 = length == 0 ? 0 : kernels.gradients().dot(move, 0, rest, 0, d) / length;
                for (int i = 0; i < all.length; i++) {
                    codes[i] = Math.max(codes[i] + step1 * gradient[i], 0);
                }
                float[] decoded = new float[d];
                kernels.sparse().addScaledRows(decoded, 0, d, codes, all, 0, all.length, rows);
                for (int c = 0; c < d; c++) {
                    rest[c] = target[c] - decoded[c];
                }
            }
            put(codes, t, lists);
        });
        return latents(lists);
    }

    private TokenLists pursue(float[] h, int tokens, LatentActivation.MatchingPursuit pursuit) {
        int d = config.dOut();
        TokenLists lists = new TokenLists(tokens);
        int[] all = IntStream.range(0, config.latents()).toArray();
        Rows rows = new Rows(parameters.decoder(), 0, d);
        pool.run(tokens, (worker, t) -> {
            float[] rest = Arrays.copyOfRange(h, t * d, (t + 1) * d);
            float[] codes = new float[all.length];
            float[] products = new float[all.length];
            float[] taken = new float[1];
            int[] row = new int[1];
            for (int step = 0; step < pursuit.maxIterations(); step++) {
                if (Math.sqrt(kernels.gradients().dot(rest, 0, rest, 0, d)) < pursuit.residualThreshold()) {
                    break;
                }
                kernels.sparse().dotRows(products, rest, 0, d, all, 0, all.length, rows);
                int best = largest(products);
                if (!(products[best] > 0)) {
                    break;
                }
                boolean known = codes[best] != 0;
                codes[best] += products[best];
                taken[0] = -products[best];
                row[0] = best;
                kernels.sparse().addScaledRows(rest, 0, d, taken, row, 0, 1, rows);
                if (known) {
                    break;
                }
            }
            put(codes, t, lists);
        });
        return lists;
    }

    private static int largest(float[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    private static void put(float[] codes, int token, TokenLists lists) {
        int[] indices = new int[codes.length];
        float[] values = new float[codes.length];
        int count = 0;
        for (int i = 0; i < codes.length; i++) {
            if (codes[i] != 0) {
                indices[count] = i;
                values[count++] = codes[i];
            }
        }
        lists.set(token, indices, values, 0, count);
    }

    private Latents latents(TokenLists lists) {
        int[] offsets = lists.offsets();
        int[] indices = new int[offsets[lists.tokens()]];
        float[] values = new float[indices.length];
        for (int t = 0; t < lists.tokens(); t++) {
            System.arraycopy(lists.indices(t), 0, indices, offsets[t], lists.indices(t).length);
            System.arraycopy(lists.values(t), 0, values, offsets[t], lists.values(t).length);
        }
        return new Latents(config.latents(), offsets, indices, values, NONE, NONE);
    }

    private int tokens(float[] x, int width) {
        if (x.length % width != 0) {
            throw new BadShapeException("activations", "rows of " + width + " values", x.length + " values");
        }
        return x.length / width;
    }

    /** Normalised inputs, and what brings an output back. */
    private record Normalized(float[] h, float[] scale, float[] shift) {}

    private Normalized normalize(float[] x, int tokens) {
        float[] h = x.clone();
        int d = config.dIn();
        return switch (config.normalization()) {
            case Normalization.None none -> new Normalized(h, NONE, NONE);
            case Normalization.Factor(float factor) -> {
                for (int i = 0; i < h.length; i++) {
                    h[i] *= factor;
                }
                float[] scale = new float[tokens];
                Arrays.fill(scale, 1 / factor);
                yield new Normalized(h, scale, NONE);
            }
            case Normalization.ConstantNorm norm -> {
                float[] scale = new float[tokens];
                for (int t = 0; t < tokens; t++) {
                    double squares = squares(x, t * d, d, 0);
                    double factor = squares == 0 ? 1 : Math.sqrt(d / squares);
                    for (int c = t * d; c < (t + 1) * d; c++) {
                        h[c] = (float) (x[c] * factor);
                    }
                    scale[t] = (float) (1 / factor);
                }
                yield new Normalized(h, scale, NONE);
            }
            case Normalization.LayerNorm norm -> {
                float[] scale = new float[tokens];
                float[] shift = new float[tokens];
                for (int t = 0; t < tokens; t++) {
                    double mean = 0;
                    for (int c = t * d; c < (t + 1) * d; c++) {
                        mean += x[c];
                    }
                    mean /= d;
                    double deviation = Math.sqrt(squares(x, t * d, d, mean) / (d - 1));
                    for (int c = t * d; c < (t + 1) * d; c++) {
                        h[c] = (float) ((x[c] - mean) / (deviation + 1e-5));
                    }
                    scale[t] = (float) deviation;
                    shift[t] = (float) mean;
                }
                yield new Normalized(h, scale, shift);
            }
        };
    }

    private static double squares(float[] x, int at, int n, double mean) {
        double sum = 0;
        for (int c = at; c < at + n; c++) {
            sum += (x[c] - mean) * (x[c] - mean);
        }
        return sum;
    }

    private void subtractBias(float[] h, int tokens) {
        int d = config.dIn();
        for (int t = 0; t < tokens; t++) {
            for (int c = 0; c < d; c++) {
                h[t * d + c] -= parameters.decoderBias()[c];
            }
        }
    }

    /**
     * The same autoencoder with its normalisation factor in the weights: outputs and L0 stay what they are. A threshold
     * on {@code z} times the decoder's length is divided by the factor as well.
     *
     * @throws BadInputException if activations are normalised one by one, which no weights can do
     */
    public SparseAutoencoder folded() {
        return switch (config.normalization()) {
            case Normalization.None none -> this;
            case Normalization.Factor(float factor) -> folded(factor);
            default ->
                throw new BadInputException(
                        "a normalisation of each activation by itself cannot be folded into the weights");
        };
    }

    private SparseAutoencoder folded(float factor) {
        float[] decoder = scaled(parameters.decoder(), 1 / factor);
        SaeParameters p = new SaeParameters(
                scaled(parameters.encoder(), factor),
                parameters.encoderBias(),
                decoder,
                scaled(parameters.decoderBias(), 1 / factor),
                parameters.threshold(),
                parameters.gateBias(),
                parameters.magnitudeBias(),
                parameters.magnitudeScale(),
                parameters.skip());
        LatentActivation activation = config.activation() instanceof LatentActivation.Threshold cut && cut.rescaled()
                ? new LatentActivation.Threshold(cut.threshold() / factor, true)
                : config.activation();
        return new SparseAutoencoder(
                config.withNormalization(Normalization.none()).withActivation(activation), p, metadata, pool.threads());
    }

    /**
     * The same autoencoder with decoder rows of length one, the lengths in the encoder: latents are then in units of
     * the output. Rows shorter than 1e-8 are divided by that.
     *
     * @throws BadInputException if latents compete without the lengths, so that the choice would change
     */
    public SparseAutoencoder withUnitDecoder() {
        LatentActivation activation = config.activation();
        boolean competes = switch (activation) {
            case LatentActivation.TopK top -> !top.rescaled();
            case LatentActivation.BatchTopK top -> !top.rescaled();
            case LatentActivation.GroupMax groups -> true;
            case LatentActivation.MatchingPursuit pursuit -> true;
            case LatentActivation.Threshold cut -> false;
            default -> false;
        };
        if (competes) {
            throw new BadInputException(
                    "decoder lengths cannot be folded into an autoencoder whose latents compete without them");
        }
        int n = config.latents();
        float[] norms = decoderNorms.clone();
        for (int i = 0; i < n; i++) {
            norms[i] = Math.max(norms[i], 1e-8f);
        }
        float[] threshold = timesEach(parameters.threshold(), norms, 1);
        LatentActivation unit = switch (activation) {
            case LatentActivation.TopK top -> new LatentActivation.TopK(top.k(), false);
            case LatentActivation.BatchTopK top -> new LatentActivation.BatchTopK(top.k(), false);
            case LatentActivation.Threshold cut
            when cut.rescaled() -> new LatentActivation.Threshold(cut.threshold(), false);
            case LatentActivation.Threshold cut -> new LatentActivation.JumpRelu();
            default -> activation;
        };
        if (activation instanceof LatentActivation.Threshold cut && !cut.rescaled()) {
            threshold = new float[n];
            for (int i = 0; i < n; i++) {
                threshold[i] = cut.threshold() * norms[i];
            }
        }
        float[] inverse = new float[n];
        for (int i = 0; i < n; i++) {
            inverse[i] = 1 / norms[i];
        }
        SaeParameters p = new SaeParameters(
                timesEach(parameters.encoder(), norms, config.dIn()),
                timesEach(parameters.encoderBias(), norms, 1),
                timesEach(parameters.decoder(), inverse, config.dOut()),
                parameters.decoderBias(),
                threshold,
                timesEach(parameters.gateBias(), norms, 1),
                timesEach(parameters.magnitudeBias(), norms, 1),
                parameters.magnitudeScale(),
                parameters.skip());
        return new SparseAutoencoder(config.withActivation(unit), p, metadata, pool.threads());
    }

    private static float[] scaled(float[] values, float factor) {
        float[] scaled = values.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factor;
        }
        return scaled;
    }

    /** Rows of {@code d}, each times its own factor; nothing stays nothing. */
    private static float[] timesEach(float[] values, float[] factors, int d) {
        float[] scaled = values.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factors[i / d];
        }
        return scaled;
    }

    @Override
    public String toString() {
        return config + " of " + metadata;
    }
}
