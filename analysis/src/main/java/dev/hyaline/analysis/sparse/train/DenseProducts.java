package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.PackedRows;
import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.stream.IntStream;

/**
 * The five products of a step in which many latents fire. The activations of all latents are one array; all else is
 * done by blocks of tokens or of latents.
 */
final class DenseProducts {
    /** Latents of a block: their part of a chain stays in the second-level cache. */
    private static final int LATENTS = 192;

    /** Tokens whose activations are turned over together: a cache line of each latent's. */
    private static final int TOGETHER = 16;

    /** Tokens that are decoded together. */
    private static final int TOKENS = 384;

    /** What is done with one latent. */
    interface Latent {
        /**
         * Turns the gradient of a latent's activations into that of its pre-activations, in place.
         *
         * @param activations of all tokens, from index {@code at} on
         * @param df likewise
         */
        void gradient(int latent, float[] activations, float[] df, int at);

        /** Called once the gradients of the latent's weights are there. */
        void finished(int latent);
    }

    private final Kernels kernels;
    private final WorkerPool pool;
    private final TileProduct product;
    private final int tokens;
    private final int n;

    DenseProducts(Kernels kernels, WorkerPool pool, TileProduct product, int tokens, int n) {
        this.kernels = kernels;
        this.pool = pool;
        this.product = product;
        this.tokens = tokens;
        this.n = n;
    }

    /** {@code relu(h W_enc + b_enc)}, {@code [tokens, n]}, into an array of that size. */
    void encode(float[] h, PackedMatrix encoder, float[] f) {
        product.run(h, tokens, encoder, (worker, tile, firstRow, endRow, firstColumn, columns) -> {
            for (int row = firstRow; row < endRow; row++) {
                int from = (row - firstRow) * TileProduct.COLUMNS;
                int to = row * n + firstColumn;
                for (int c = 0; c < columns; c++) {
                    f[to + c] = Math.max(tile[from + c], 0);
                }
            }
        });
    }

    /** {@code f W_dec + b_dec}, {@code [tokens, d]}. */
    float[] decode(float[] f, float[] decoder, float[] bias, int d) {
        PackedMatrix packed = PackedMatrix.zeros(n, d, false);
        PackedRows.pack(packed, decoder, 0);
        System.arraycopy(bias, 0, packed.bias(), 0, d);
        float[] out = new float[tokens * d];
        for (int first = 0; first < tokens; first += TOKENS) {
            TileProduct.Reader copying = TileProduct.Reader.copying(out, d, first);
            product.run(f, first * n, Math.min(TOKENS, tokens - first), packed, copying);
        }
        return out;
    }

    /**
     * The gradients of encoder and decoder.
     *
     * @param g gradient of the reconstruction {@code [tokens, dOut]}
     */
    void backward(float[] f, Weights w, float[] g, float[] h, int dIn, int dOut, Latent latent) {
        PackedMatrix gByToken = PackedRows.transposed(g, tokens, dOut, new float[0], pool);
        PackedMatrix gRows = PackedMatrix.zeros(tokens, dOut, false);
        PackedRows.pack(gRows, g, 0);
        PackedMatrix hRows = PackedMatrix.zeros(tokens, dIn, false);
        PackedRows.pack(hRows, h, 0);
        int threads = pool.threads();
        float[][] activations = new float[threads][];
        float[][] gradients = new float[threads][];
        InputRows[] inputs =
                IntStream.range(0, threads).mapToObj(i -> new InputRows()).toArray(InputRows[]::new);
        Scratch[] scratch =
                IntStream.range(0, threads).mapToObj(i -> new Scratch()).toArray(Scratch[]::new);
        pool.run(Math.ceilDiv(n, LATENTS), (worker, block) -> {
            if (activations[worker] == null) {
                activations[worker] = new float[LATENTS * tokens];
                gradients[worker] = new float[LATENTS * tokens];
            }
            int first = block * LATENTS;
            int count = Math.min(LATENTS, n - first);
            float[] a = activations[worker];
            float[] df = gradients[worker];
            for (int t = 0; t < tokens; t += TOGETHER) {
                int end = Math.min(tokens, t + TOGETHER);
                for (int i = 0; i < count; i++) {
                    int to = i * tokens;
                    for (int u = t; u < end; u++) {
                        a[to + u] = f[u * n + first + i];
                    }
                }
            }
            InputRows in = inputs[worker];
            multiply(in, w.get(Weights.DECODER).value, first * dOut, count, gByToken, df, 0, scratch[worker]);
            for (int i = 0; i < count; i++) {
                latent.gradient(first + i, a, df, i * tokens);
            }
            multiply(in, a, 0, count, gRows, w.get(Weights.DECODER).gradient, first * dOut, scratch[worker]);
            multiply(in, df, 0, count, hRows, w.get(Weights.ENCODER).gradient, first * dIn, scratch[worker]);
            for (int i = 0; i < count; i++) {
                latent.finished(first + i);
            }
        });
    }

    /** Contiguous rows times a matrix, on one thread. */
    private void multiply(
            InputRows in, float[] rows, int at, int count, PackedMatrix w, float[] out, int outAt, Scratch scratch) {
        in.set(rows, at, w.k(), w.k(), count, kernels.rowsTogether());
        if (in.groups() > 0) {
            in.reserve();
            kernels.interleave(in, 0, in.groups());
        }
        kernels.product(new Rows(out, outAt, w.n()), in, w, 0, count, 0, w.panels(), scratch);
        in.forget();
    }
}
