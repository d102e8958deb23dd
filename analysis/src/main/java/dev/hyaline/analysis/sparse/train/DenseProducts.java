package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.PackedRows;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.stream.IntStream;

/**
 * The five products of a step in which many latents fire. The activations of all latents are one array, {@code [n,
 * tokens]} in panels of tokens: written latent by latent, it is the right side of the decoder's product as it lies, and
 * a latent's activations are read from it in whole cache lines.
 */
final class DenseProducts {
    /** Latents of a block: their part of a chain stays in the second-level cache. */
    private static final int LATENTS = 192;

    /** Dimensions that are decoded together, a multiple of the rows of any group. */
    private static final int DIMENSIONS = 384;

    /** Panels of a tile. */
    private static final int PANELS = 8;

    private static final int COLUMNS = PANELS * PackedMatrix.PANEL;

    /**
     * A cache line, by which rows are longer than they need be: at a distance of a power of two they would all be kept
     * in the same few places of a cache.
     */
    private static final int LINE = 16;

    /** Distance between rows of a tile. */
    private static final int TILE_ROW = COLUMNS + LINE;

    /** Columns of an output whose rows of a block stay in the second-level cache together. */
    private static final int MOST_COLUMNS = 1024;

    /** Rows that are transposed, or taken out of panels, together: few enough for a cache's pages. */
    private static final int SIDE = 16;

    /** The work on one latent. */
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
    private final int tokens;
    private final int n;
    private final Workspace[] workspaces;
    /** Activations of all latents, {@code [n, tokens]}. */
    private final PackedMatrix f;
    /** The decoder by dimension, {@code [d, n]}, and its interleaved copy. */
    private float[] byDimension = {};

    private final InputRows dimensions = new InputRows();

    /** Products of batches of so many tokens; keeps what they are computed in. */
    DenseProducts(Kernels kernels, WorkerPool pool, int tokens, int n) {
        this.kernels = kernels;
        this.pool = pool;
        this.tokens = tokens;
        this.n = n;
        f = PackedMatrix.zeros(n, tokens, false);
        workspaces = IntStream.range(0, pool.threads())
                .mapToObj(i -> new Workspace())
                .toArray(Workspace[]::new);
    }

    /** Arrays of a thread. */
    private static final class Workspace {
        final InputRows in = new InputRows();
        final Scratch scratch = new Scratch();
        float[] tile = {};
        float[] activations = {};
        float[] gradients = {};

        float[] tile(int rows) {
            if (tile.length < rows * TILE_ROW) {
                tile = new float[rows * TILE_ROW];
            }
            return tile;
        }

        void reserve(int size) {
            if (activations.length < size) {
                activations = new float[size];
                gradients = new float[size];
            }
        }
    }

    int tokens() {
        return tokens;
    }

    private float[] activations() {
        return ((PackedMatrix.Float32) f.values()).array();
    }

    /** {@code relu(h W_enc + b_enc)}, which the next two work with. */
    void encode(float[] h, int dIn, float[] encoder, float[] bias) {
        PackedMatrix hByToken = PackedRows.transposed(h, tokens, dIn, new float[0], pool);
        pool.run(Math.ceilDiv(n, LATENTS), (worker, block) -> {
            Workspace own = workspaces[worker];
            int first = block * LATENTS;
            int count = Math.min(LATENTS, n - first);
            float[] tile = own.tile(LATENTS);
            interleave(own.in, new Rows(encoder, first * dIn, dIn), dIn, count);
            for (int panel = 0; panel < f.panels(); panel += PANELS) {
                int end = Math.min(f.panels(), panel + PANELS);
                Rows out = new Rows(tile, -panel * PackedMatrix.PANEL, TILE_ROW);
                kernels.product(out, own.in, hByToken, 0, count, panel, end, own.scratch);
                for (int p = panel; p < end; p++) {
                    keep(tile, (p - panel) * PackedMatrix.PANEL, bias, p, first, count);
                }
            }
            own.in.forget();
        });
    }

    /** Keeps a panel of a tile. */
    private void keep(float[] tile, int column, float[] bias, int panel, int first, int count) {
        float[] to = activations();
        int columns = f.columns(panel);
        for (int i = 0; i < count; i++) {
            int at = f.at(panel, first + i);
            int from = i * TILE_ROW + column;
            kernels.sparse().biasedRelu(to, at, tile, from, columns, bias[first + i]);
        }
    }

    /** {@code f W_dec + b_dec}, {@code [tokens, d]}. */
    float[] decode(float[] decoder, float[] bias, int d) {
        InputRows in = dimensions;
        transpose(decoder, d);
        in.set(byDimension, 0, n, n, d, kernels.rowsTogether());
        if (in.groups() > 0) {
            in.reserve();
            pool.run(in.groups(), (worker, group) -> kernels.interleave(in, group, group + 1));
        }
        float[] out = new float[tokens * d];
        pool.run(Math.ceilDiv(f.panels(), PANELS), (worker, task) -> {
            Workspace own = workspaces[worker];
            float[] tile = own.tile(Math.min(d, DIMENSIONS));
            int panel = task * PANELS;
            int end = Math.min(f.panels(), panel + PANELS);
            int token = panel * PackedMatrix.PANEL;
            int columns = f.columns(panel, end);
            for (int first = 0; first < d; first += DIMENSIONS) {
                int last = Math.min(d, first + DIMENSIONS);
                Rows rows = new Rows(tile, -first * TILE_ROW - token, TILE_ROW);
                kernels.product(rows, in, f, first, last, panel, end, own.scratch);
                for (int c = 0; c < columns; c++) {
                    for (int r = first; r < last; r++) {
                        out[(token + c) * d + r] = tile[(r - first) * TILE_ROW + c] + bias[r];
                    }
                }
            }
        });
        in.forget();
        return out;
    }

    /** Keeps rows {@code [n, d]} as {@code [d, n]}. */
    private void transpose(float[] rows, int d) {
        if (byDimension.length != n * d) {
            byDimension = new float[n * d];
        }
        float[] turned = byDimension;
        pool.run(Math.ceilDiv(n, LATENTS), (worker, block) -> {
            int end = Math.min(n, (block + 1) * LATENTS);
            for (int first = block * LATENTS; first < end; first += SIDE) {
                int last = Math.min(end, first + SIDE);
                for (int c = 0; c < d; c++) {
                    for (int i = first; i < last; i++) {
                        turned[c * n + i] = rows[i * d + c];
                    }
                }
            }
        });
    }

    /**
     * The gradients of encoder and decoder.
     *
     * @param g gradient of the reconstruction {@code [tokens, dOut]}
     */
    void backward(Weights w, float[] g, float[] h, int dIn, int dOut, Latent latent) {
        PackedMatrix gByToken = PackedRows.transposed(g, tokens, dOut, new float[0], pool);
        PackedMatrix gRows = PackedMatrix.zeros(tokens, dOut, false);
        PackedRows.pack(gRows, g, 0);
        PackedMatrix hRows = PackedMatrix.zeros(tokens, dIn, false);
        PackedRows.pack(hRows, h, 0);
        int stride = Math.ceilDiv(tokens, LINE) * LINE + LINE;
        pool.run(Math.ceilDiv(n, LATENTS), (worker, block) -> {
            Workspace own = workspaces[worker];
            own.reserve(LATENTS * stride);
            int first = block * LATENTS;
            int count = Math.min(LATENTS, n - first);
            float[] a = own.activations;
            float[] df = own.gradients;
            takeOut(first, count, a, stride);
            Weights.Parameter decoder = w.get(Weights.DECODER);
            multiply(own, new Rows(decoder.value, first * dOut, dOut), count, gByToken, new Rows(df, 0, stride));
            for (int i = 0; i < count; i++) {
                latent.gradient(first + i, a, df, i * stride);
            }
            multiply(own, new Rows(a, 0, stride), count, gRows, new Rows(decoder.gradient, first * dOut, dOut));
            Rows ofEncoder = new Rows(w.get(Weights.ENCODER).gradient, first * dIn, dIn);
            multiply(own, new Rows(df, 0, stride), count, hRows, ofEncoder);
            for (int i = 0; i < count; i++) {
                latent.finished(first + i);
            }
        });
    }

    /** Takes latents out of the panels, into rows. */
    private void takeOut(int first, int count, float[] rows, int stride) {
        for (int from = 0; from < count; from += SIDE) {
            int end = Math.min(count, from + SIDE);
            for (int p = 0; p < f.panels(); p++) {
                for (int i = from; i < end; i++) {
                    int to = i * stride + p * PackedMatrix.PANEL;
                    System.arraycopy(activations(), f.at(p, first + i), rows, to, f.columns(p));
                }
            }
        }
    }

    /** Rows times a matrix, on one thread; of a wide one some columns at a time, which stay in the cache. */
    private void multiply(Workspace own, Rows rows, int count, PackedMatrix w, Rows out) {
        interleave(own.in, rows, w.k(), count);
        int together = w.n() > MOST_COLUMNS ? PANELS : w.panels();
        for (int panel = 0; panel < w.panels(); panel += together) {
            int end = Math.min(w.panels(), panel + together);
            kernels.product(out, own.in, w, 0, count, panel, end, own.scratch);
        }
        own.in.forget();
    }

    private void interleave(InputRows in, Rows rows, int k, int count) {
        in.set(rows.values(), rows.at(), rows.stride(), k, count, kernels.rowsTogether());
        if (in.groups() > 0) {
            in.reserve();
            kernels.interleave(in, 0, in.groups());
        }
    }
}
