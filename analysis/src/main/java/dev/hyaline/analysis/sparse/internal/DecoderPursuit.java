package dev.hyaline.analysis.sparse.internal;

import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Codes of tokens that the decoder alone gives: rows of it are chosen one at a time, each by its product with what is
 * left of the token. Among equal products the first row wins.
 */
public final class DecoderPursuit {
    private final SparseKernels sparse;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final Rows decoder;
    private final int width;
    private final int[] latents;

    /** Pursues with the rows of a decoder, {@code [latents, width]}. */
    public DecoderPursuit(Kernels kernels, WorkerPool pool, float[] decoder, int width) {
        sparse = kernels.sparse();
        gradients = kernels.gradients();
        this.pool = pool;
        this.decoder = new Rows(decoder, 0, width);
        this.width = width;
        latents = IntStream.range(0, decoder.length / width).toArray();
    }

    /**
     * Gradient pursuit: {@code k} times the row with the largest product joins, and the codes of those chosen move
     * along their gradient to the optimum on that line, cut at zero.
     *
     * @param x {@code [tokens, width]}
     * @param bias subtracted from each token first, {@code [width]}
     */
    public TokenLists gradient(float[] x, float[] bias, int k) {
        TokenLists lists = new TokenLists(x.length / width);
        pool.run(lists.tokens(), (worker, t) -> {
            float[] target = new float[width];
            for (int c = 0; c < width; c++) {
                target[c] = x[t * width + c] - bias[c];
            }
            put(gradientCodes(target, k), t, lists);
        });
        return lists;
    }

    private float[] gradientCodes(float[] target, int k) {
        float[] rest = target.clone();
        float[] codes = new float[latents.length];
        boolean[] chosen = new boolean[latents.length];
        float[] products = new float[latents.length];
        for (int step = 0; step < k; step++) {
            multiply(products, rest);
            chosen[largest(products)] = true;
            float[] gradient = new float[latents.length];
            for (int i = 0; i < latents.length; i++) {
                gradient[i] = chosen[i] ? products[i] : 0;
            }
            float[] move = decode(gradient);
            float squares = gradients.dot(move, 0, move, 0, width);
            float distance = squares == 0 ? 0 : gradients.dot(move, 0, rest, 0, width) / squares;
            for (int i = 0; i < latents.length; i++) {
                codes[i] = Math.max(codes[i] + distance * gradient[i], 0);
            }
            float[] decoded = decode(codes);
            for (int c = 0; c < width; c++) {
                rest[c] = target[c] - decoded[c];
            }
        }
        return codes;
    }

    /**
     * Matching pursuit: the row with the largest product, times this product, is taken out of what is left. It ends
     * where a row is chosen a second time, no product is positive or what is left is short.
     *
     * @param x {@code [tokens, width]}
     * @param residualThreshold length of what is left below which to stop
     * @param maxIterations rows taken at most
     */
    public TokenLists matching(float[] x, float residualThreshold, int maxIterations) {
        TokenLists lists = new TokenLists(x.length / width);
        pool.run(lists.tokens(), (worker, t) -> {
            float[] target = Arrays.copyOfRange(x, t * width, (t + 1) * width);
            put(matchingCodes(target, residualThreshold, maxIterations), t, lists);
        });
        return lists;
    }

    private float[] matchingCodes(float[] rest, float residualThreshold, int maxIterations) {
        float[] codes = new float[latents.length];
        float[] products = new float[latents.length];
        for (int step = 0; step < maxIterations; step++) {
            if (Math.sqrt(gradients.dot(rest, 0, rest, 0, width)) < residualThreshold) {
                break;
            }
            multiply(products, rest);
            int best = largest(products);
            if (!(products[best] > 0)) {
                break;
            }
            boolean known = codes[best] != 0;
            codes[best] += products[best];
            float[] taken = {-products[best]};
            sparse.addScaledRows(rest, 0, width, taken, new int[] {best}, 0, 1, decoder);
            if (known) {
                break;
            }
        }
        return codes;
    }

    private void multiply(float[] products, float[] rest) {
        sparse.dotRows(products, rest, 0, width, latents, 0, latents.length, decoder);
    }

    private float[] decode(float[] codes) {
        float[] out = new float[width];
        sparse.addScaledRows(out, 0, width, codes, latents, 0, latents.length, decoder);
        return out;
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
}
