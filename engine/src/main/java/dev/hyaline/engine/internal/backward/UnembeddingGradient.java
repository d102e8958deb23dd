package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.forward.LogitColumns;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.forward.Products;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;

/** The way back through the unembedding, from a gradient at logits. */
final class UnembeddingGradient {
    /**
     * Tokens a row below which their columns of the unembedding are read one by one, and nothing is packed for them.
     */
    private static final int MAX_SPARSE_TOKENS = 256;

    private final int d;
    private final int vocabulary;
    private final PackedWeights weights;
    private final TransposedWeights transposedWeights;
    private final Kernels kernels;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final Products products;

    UnembeddingGradient(
            Gpt2Config config,
            PackedWeights weights,
            TransposedWeights transposedWeights,
            Kernels kernels,
            WorkerPool pool,
            Products products) {
        d = config.dModel();
        vocabulary = config.dVocab();
        this.weights = weights;
        this.transposedWeights = transposedWeights;
        this.kernels = kernels;
        gradients = kernels.gradients();
        this.pool = pool;
        this.products = products;
    }

    /**
     * Forms {@code sum_v g(logit_v) W_U[:, v]} for each row, to {@code normed}. Tokens whose gradient is zero change no
     * bit, so a row of few others takes those alone; a sum is the product's: chains over tokens in ascending order, a
     * new one every {@link Kernels#K_BLOCK} tokens of the vocabulary.
     *
     * @param logits the gradient, {@code [chosen, columns]}
     * @param chosen the rows
     * @param normed {@code [rows, dModel]}, zero, to which it is added
     * @param part room of that size
     */
    void run(float[] logits, int[] chosen, LogitColumns columns, float[] normed, float[] part) {
        int count = columns.count(vocabulary);
        if (columns.isAll() && hasMoreNonzero(logits, (long) MAX_SPARSE_TOKENS * chosen.length)) {
            products.begin(logits, count, chosen.length)
                    .into(part, transposedWeights.unembedding(pool))
                    .run();
            for (int i = 0; i < chosen.length; i++) {
                System.arraycopy(part, i * d, normed, chosen[i] * d, d);
            }
            return;
        }
        long[] order = new long[count]; // token in the upper half, its column in the lower
        for (int column = 0; column < count; column++) {
            order[column] = (long) columns.token(column) << Integer.SIZE | column;
        }
        Arrays.sort(order);
        pool.run(chosen.length, (worker, row) -> {
            int at = chosen[row] * d;
            float[] chain = new float[d];
            float[] direction = new float[d];
            int block = 0;
            for (long pair : order) {
                int token = (int) (pair >>> Integer.SIZE);
                float gradient = logits[row * count + (int) pair];
                if (gradient == 0) {
                    continue;
                }
                if (token / Kernels.K_BLOCK != block) {
                    kernels.add(normed, at, chain, 0, d);
                    Arrays.fill(chain, 0);
                    block = token / Kernels.K_BLOCK;
                }
                weights.unembedding().column(token, direction, 0);
                gradients.addScaled(chain, 0, direction, 0, d, gradient);
            }
            kernels.add(normed, at, chain, 0, d);
        });
    }

    private static boolean hasMoreNonzero(float[] values, long count) {
        long nonzero = 0;
        for (float value : values) {
            nonzero += value == 0 ? 0 : 1;
            if (nonzero > count) {
                return true;
            }
        }
        return false;
    }
}
