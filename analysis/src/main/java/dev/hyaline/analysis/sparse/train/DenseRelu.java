package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.internal.kernel.PackedMatrix;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A step of ReLU latents by whole products, while many fire: of all activations one array is held. */
final class DenseRelu {
    /** Values that an array can have on any virtual machine. */
    private static final long MAX_ARRAY = Integer.MAX_VALUE - 8;

    private final ReluLatents latents;
    private final Dictionary dictionary;
    private final SquaredError squaredError;
    private final LatentGradients gradients;
    private @Nullable DenseProducts products;

    DenseRelu(ReluLatents latents, Dictionary dictionary, SquaredError squaredError, LatentGradients gradients) {
        this.latents = latents;
        this.dictionary = dictionary;
        this.squaredError = squaredError;
        this.gradients = gradients;
    }

    /** Returns whether one array can hold the activations of so many tokens. */
    boolean isPossible(int tokens) {
        return PackedMatrix.bytes(dictionary.n, tokens, false) / Float.BYTES <= MAX_ARRAY;
    }

    /** Lets the arrays go. */
    void forget() {
        products = null;
    }

    private DenseProducts products(int tokens) {
        if (products == null || products.tokens() != tokens) {
            products = new DenseProducts(dictionary.kernels, dictionary.pool, tokens, dictionary.n);
        }
        return products;
    }

    /**
     * Computes the losses and the gradient of the latents' weights.
     *
     * @param errors set to the squared error of each token
     * @param fired set to the number of tokens that fired each latent
     */
    ReconstructionPath run(Batch batch, double[] errors, int[] fired, LossSums sums) {
        int tokens = batch.tokens();
        int n = dictionary.n;
        int dOut = dictionary.dOut;
        Weights w = dictionary.w;
        DenseProducts whole = products(tokens);
        Weights.Parameter encoder = w.get(Weights.ENCODER);
        whole.encode(batch.h(), dictionary.dIn, encoder.value, w.get(Weights.ENCODER_BIAS).value);
        float[][] outs = {whole.decode(w.get(Weights.DECODER).value, w.get(Weights.DECODER_BIAS).value, dOut)};
        dictionary.addSkip(batch, outs);
        dictionary.pool.run(tokens, (worker, t) -> {
            for (int i = t * dOut; i < (t + 1) * dOut; i++) {
                double e = (double) batch.y()[i] - outs[0][i];
                errors[t] += e * e;
            }
        });
        sums.reconstruction += squaredError.gradient(outs[0], batch.y(), tokens, squaredError.unit(batch));
        double[] l1 = new double[n];
        float[] ones = new float[tokens];
        Arrays.fill(ones, 1);
        float weight = (float) (batch.penalty() / tokens);
        whole.backward(w, outs[0], batch.h(), dictionary.dIn, dOut, new DenseProducts.Latent() {
            @Override
            public void gradient(int i, float[] activation, float[] df, int at) {
                float each = latents.isWeighted() ? weight * batch.norms()[i] : weight;
                fired[i] = dictionary.sparse.reluGradient(df, at, activation, at, tokens, each);
                gradients.preActivationSums()[i] = dictionary.gradients.dot(df, at, ones, 0, tokens);
                l1[i] = dictionary.gradients.dot(activation, at, ones, 0, tokens);
            }

            @Override
            public void finished(int i) {
                if (latents.isWeighted()) {
                    gradients.addAlongRow(i, (float) (batch.penalty() / tokens * l1[i]));
                }
                gradients.finish(i);
            }
        });
        double total = 0;
        for (int i = 0; i < n; i++) {
            total += latents.isWeighted() ? l1[i] * batch.norms()[i] : l1[i];
        }
        sums.sparsity += batch.penalty() * total / tokens;
        sums.l0 = (double) Arrays.stream(fired).asLongStream().sum() / tokens;
        return new ReconstructionPath(Entries.none(), outs, Dictionary.OWN_NUMBERS, true, true);
    }
}
