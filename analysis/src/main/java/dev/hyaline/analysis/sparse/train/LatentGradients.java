package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The gradient of each latent's weights, summed over its entries in the order of their tokens, projected off its
 * decoder row where rows keep their length.
 */
final class LatentGradients {
    private static final int LATENTS_PER_TASK = PackedMatrix.PANEL;

    private final Recipe.Optimizer optimizer;
    private final Dictionary dictionary;
    private final TrainedLatents latents;
    private final int n;
    private final int dIn;
    private final int dOut;
    private final Weights.Parameter encoder;
    private final Weights.Parameter decoder;
    private final double[] rowSquares;
    private final double[] projectedSquares;
    private final float[] preActivationSums;
    private final LatentBuffers[] buffers;

    LatentGradients(Recipe.Optimizer optimizer, Dictionary dictionary, TrainedLatents latents) {
        this.optimizer = optimizer;
        this.dictionary = dictionary;
        this.latents = latents;
        n = dictionary.n;
        dIn = dictionary.dIn;
        dOut = dictionary.dOut;
        encoder = dictionary.w.get(Weights.ENCODER);
        decoder = dictionary.w.get(Weights.DECODER);
        rowSquares = new double[n];
        projectedSquares = new double[n];
        preActivationSums = new float[n];
        buffers = IntStream.range(0, dictionary.pool.threads())
                .mapToObj(i -> new LatentBuffers())
                .toArray(LatentBuffers[]::new);
    }

    /** Of each latent the sum over tokens of the gradient of its pre-activation. */
    float[] preActivationSums() {
        return preActivationSums;
    }

    /** Squared length of the gradient of encoder and decoder, before it is projected. */
    double squares() {
        return Arrays.stream(rowSquares).sum();
    }

    /** As {@link #squares}, after it is projected. */
    double projectedSquares() {
        return Arrays.stream(projectedSquares).sum();
    }

    /** The gradient of all latents' weights. */
    void of(List<ReconstructionPath> paths, Batch batch, double l0) {
        dictionary.pool.run(Math.ceilDiv(n, LATENTS_PER_TASK), (worker, task) -> {
            int end = Math.min(n, (task + 1) * LATENTS_PER_TASK);
            for (int i = task * LATENTS_PER_TASK; i < end; i++) {
                latent(i, paths, batch, l0, buffers[worker]);
            }
        });
    }

    private void latent(int i, List<ReconstructionPath> paths, Batch batch, double l0, LatentBuffers buffer) {
        Arrays.fill(encoder.gradient, i * dIn, (i + 1) * dIn, 0);
        Arrays.fill(decoder.gradient, i * dOut, (i + 1) * dOut, 0);
        preActivationSums[i] = 0;
        if (dictionary.w.has(Weights.THRESHOLD)) {
            dictionary.w.get(Weights.THRESHOLD).gradient[i] = 0;
        }
        if (latents instanceof GatedLatents gated) {
            gated.gradient(batch, i, paths.get(0), paths.get(1), this, buffer);
        } else {
            for (int p = 0; p < paths.size(); p++) {
                path(i, paths.get(p), p == 0, batch, l0, buffer);
            }
        }
        finish(i);
    }

    /** One path's part of a latent's gradient; the penalty is in that of the first. */
    private void path(int i, ReconstructionPath path, boolean first, Batch batch, double l0, LatentBuffers buffer) {
        Entries e = path.entries();
        int from = e.starts()[i];
        int count = e.starts()[i + 1] - from;
        if (count == 0) {
            return;
        }
        buffer.room(from + count);
        for (int j = from; j < from + count; j++) {
            buffer.f[j] = e.f()[e.order()[j]];
        }
        Rows g = new Rows(path.of(i), 0, dOut);
        dictionary.sparse.dotRows(buffer.df, decoder.value, i * dOut, dOut, e.tokens(), from, from + count, g);
        float alongNorm = 0;
        if (first) {
            alongNorm = latents.gradient(batch, l0, i, e, from, count, buffer);
        } else {
            for (int j = from; j < from + count; j++) {
                buffer.dz[j] = path.exponential() ? buffer.df[j] * buffer.f[j] : buffer.df[j];
            }
        }
        dictionary.sparse.addScaledRows(decoder.gradient, i * dOut, dOut, buffer.f, e.tokens(), from, from + count, g);
        if (alongNorm != 0) {
            addAlongRow(i, alongNorm);
        }
        addEncoder(i, batch.h(), e, from, count, buffer.dz);
    }

    /** Adds the gradient of an encoder row from that of pre-activations. */
    void addEncoder(int i, float[] h, Entries e, int from, int count, float[] dz) {
        dictionary.sparse.addScaledRows(
                encoder.gradient, i * dIn, dIn, dz, e.tokens(), from, from + count, new Rows(h, 0, dIn));
        double sum = 0;
        for (int j = from; j < from + count; j++) {
            sum += dz[j];
        }
        preActivationSums[i] += (float) sum;
    }

    /** Adds a derivative with respect to a decoder row's length; of a crosscoder, to that of each site's part. */
    void addAlongRow(int i, float derivative) {
        int part = dOut / dictionary.sites;
        for (int s = 0; s < dictionary.sites; s++) {
            int at = i * dOut + s * part;
            double length = Math.sqrt(Dictionary.squares(decoder.value, at, part));
            if (length > 0) {
                float factor = (float) (derivative / length);
                for (int c = at; c < at + part; c++) {
                    decoder.gradient[c] += factor * decoder.value[c];
                }
            }
        }
    }

    /** Ends a latent: its encoder bias, and the lengths of its gradient before and after the projection. */
    void finish(int i) {
        if (dictionary.w.has(Weights.ENCODER_BIAS)) {
            dictionary.w.get(Weights.ENCODER_BIAS).gradient[i] = preActivationSums[i];
        }
        double encoderSquares = Dictionary.squares(encoder.gradient, i * dIn, dIn);
        rowSquares[i] = encoderSquares + Dictionary.squares(decoder.gradient, i * dOut, dOut);
        Recipe.DecoderRule rule = optimizer.decoder();
        if (rule == Recipe.DecoderRule.FREE) {
            projectedSquares[i] = rowSquares[i];
            return;
        }
        if (rule == Recipe.DecoderRule.NORMALIZED_BEFORE) {
            dictionary.normalize(i);
        }
        double length = Math.sqrt(Dictionary.squares(decoder.value, i * dOut, dOut)) + optimizer.projectionEps();
        double product = 0;
        for (int c = i * dOut; c < (i + 1) * dOut; c++) {
            product += (double) decoder.gradient[c] * decoder.value[c];
        }
        if (length > 0) {
            // sparsify takes rows to be of length one, whatever they are.
            double divisor = rule == Recipe.DecoderRule.PROJECTED ? 1 : length * length;
            float factor = (float) (product / divisor);
            for (int c = i * dOut; c < (i + 1) * dOut; c++) {
                decoder.gradient[c] -= factor * decoder.value[c];
            }
        }
        projectedSquares[i] = encoderSquares + Dictionary.squares(decoder.gradient, i * dOut, dOut);
    }
}
