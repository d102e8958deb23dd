package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;

/** Gradients inside an autoencoder that is spliced in with a constant error term. */
final class InnerGradients {
    private final Attachment attachment;
    private final SparseAutoencoder sae;
    private final Latents latents;
    private final float[] gradient;
    private final int dOut;

    /**
     * Those of some tokens.
     *
     * @param x what the site that it reads held {@code [tokens, dIn]}
     * @param gradient with respect to the site that it writes {@code [tokens, dOut]}
     */
    InnerGradients(Attachment attachment, float[] x, float[] gradient) {
        this.attachment = attachment;
        this.gradient = gradient;
        sae = attachment.autoencoder();
        latents = sae.encode(attachment.encoderInput(x));
        dOut = sae.config().dOut();
    }

    /** With respect to the latents, those that do not fire too, {@code [tokens, latents]}. */
    float[] ofLatents() {
        int n = sae.config().latents();
        float[] all = new float[Math.multiplyExact(latents.tokens(), n)];
        for (int t = 0; t < latents.tokens(); t++) {
            double scale = latents.scale().length == 0 ? 1 : latents.scale()[t];
            for (int i = 0; i < n; i++) {
                all[t * n + i] = (float) (scale * slope(t, i));
            }
        }
        return all;
    }

    /** With respect to the pre-activations; zero where a latent does not fire. */
    float[] ofPreActivations() {
        int n = sae.config().latents();
        float[] all = new float[Math.multiplyExact(latents.tokens(), n)];
        eachFiring((t, i, value) -> all[t * n + i] = (float) value);
        return all;
    }

    /** With respect to the input, {@code [tokens, dIn]}. */
    float[] ofInput() {
        SaeConfig config = sae.config();
        SaeParameters parameters = sae.parameters();
        int dIn = config.dIn();
        double[] sums = new double[latents.tokens() * dIn];
        eachFiring((t, i, value) -> {
            for (int c = 0; c < dIn; c++) {
                sums[t * dIn + c] += value * parameters.encoder()[i * dIn + c];
            }
        });
        if (parameters.skip().length > 0) {
            for (int k = 0; k < sums.length; k++) {
                for (int o = 0; o < dOut; o++) {
                    sums[k] +=
                            (double) gradient[k / dIn * dOut + o] * parameters.skip()[o * dIn + k % dIn];
                }
            }
        }
        if (attachment.centring()) {
            throughCentring(sums, dIn);
        }
        float[] input = new float[sums.length];
        for (int k = 0; k < input.length; k++) {
            input[k] = (float) sums[k];
        }
        return input;
    }

    /** Means were taken out of the input and, unless it is a transcoder's, put back into the output. */
    private void throughCentring(double[] sums, int dIn) {
        for (int t = 0; t < latents.tokens(); t++) {
            double inside = 0;
            for (int c = 0; c < dIn; c++) {
                inside += sums[t * dIn + c];
            }
            double around = 0;
            for (int o = 0; o < dOut && !sae.config().transcoder(); o++) {
                around += gradient[t * dOut + o];
            }
            for (int c = 0; c < dIn; c++) {
                sums[t * dIn + c] += (around - inside) / dIn;
            }
        }
    }

    private interface PreActivationGradient {
        void accept(int token, int latent, double gradient);
    }

    /**
     * Does something with each latent that fires; the decoder's rescaling takes back what the encoder's multiplied by.
     */
    private void eachFiring(PreActivationGradient action) {
        for (int t = 0; t < latents.tokens(); t++) {
            double scale = latents.scale().length == 0 ? 1 : latents.scale()[t];
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1]; e++) {
                int i = latents.indices()[e];
                double norm = sae.config().activation().isRescaled() ? sae.decoderNorms()[i] : 1;
                action.accept(t, i, scale * norm * slope(t, i));
            }
        }
    }

    private double slope(int token, int latent) {
        return slope(sae, gradient, token, latent);
    }

    /** The gradient with respect to a latent, before the output's scale, from that of the written site. */
    static double slope(SparseAutoencoder sae, float[] gradient, int token, int latent) {
        int d = sae.config().dOut();
        float[] decoder = sae.parameters().decoder();
        double sum = 0;
        for (int c = 0; c < d; c++) {
            sum += (double) gradient[token * d + c] * decoder[latent * d + c];
        }
        return sae.config().activation().isRescaled() ? sum / sae.decoderNorms()[latent] : sum;
    }
}
