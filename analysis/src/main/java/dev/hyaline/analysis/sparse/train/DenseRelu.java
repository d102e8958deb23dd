package dev.hyaline.analysis.sparse.train;

import java.util.Arrays;

/** A step of ReLU latents by whole products, while many fire: of all activations one array is held. */
final class DenseRelu {
    private final ReluLatents latents;
    private final Dictionary dictionary;
    private final SquaredError squaredError;
    private final LatentGradients gradients;
    private float[] activations = {};

    DenseRelu(ReluLatents latents, Dictionary dictionary, SquaredError squaredError, LatentGradients gradients) {
        this.latents = latents;
        this.dictionary = dictionary;
        this.squaredError = squaredError;
        this.gradients = gradients;
    }

    /** Lets the array go. */
    void forget() {
        activations = new float[0];
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
        DenseProducts products =
                new DenseProducts(dictionary.kernels, dictionary.pool, dictionary.selector.product(), tokens, n);
        if (activations.length != tokens * n) {
            activations = new float[Math.multiplyExact(tokens, n)];
        }
        float[] f = activations;
        products.encode(batch.h(), dictionary.encoder, f);
        float[][] outs = {products.decode(f, w.get(Weights.DECODER).value, w.get(Weights.DECODER_BIAS).value, dOut)};
        dictionary.addSkip(batch, outs);
        for (int i = 0; i < tokens * dOut; i++) {
            double e = (double) batch.y()[i] - outs[0][i];
            errors[i / dOut] += e * e;
        }
        sums.reconstruction += squaredError.gradient(outs[0], batch.y(), tokens, squaredError.unit(batch));
        double[] l1 = new double[n];
        float weight = (float) (batch.penalty() / tokens);
        products.backward(f, w, outs[0], batch.h(), dictionary.dIn, dOut, new DenseProducts.Latent() {
            @Override
            public void gradient(int i, float[] activation, float[] df, int at) {
                float each = latents.isWeighted() ? weight * batch.norms()[i] : weight;
                fired[i] = dictionary.sparse.reluGradient(df, at, activation, at, tokens, each);
                gradients.preActivationSums()[i] = (float) total(df, at, tokens);
                l1[i] = total(activation, at, tokens);
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

    /** The sum over tokens, in four parts that do not wait for each other. */
    private static double total(float[] values, int at, int tokens) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int t = at;
        for (; t <= at + tokens - 4; t += 4) {
            a += values[t];
            b += values[t + 1];
            c += values[t + 2];
            d += values[t + 3];
        }
        for (; t < at + tokens; t++) {
            a += values[t];
        }
        return a + b + (c + d);
    }
}
