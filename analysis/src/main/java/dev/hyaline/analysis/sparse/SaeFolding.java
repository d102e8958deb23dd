package dev.hyaline.analysis.sparse;

import dev.hyaline.engine.error.BadInputException;

/** Autoencoders that compute the same with a normalisation or the lengths of the decoder's rows in their weights. */
final class SaeFolding {
    private static final float SHORTEST = 1e-8f;

    private SaeFolding() {}

    /** As {@link SparseAutoencoder#foldNormalization}. */
    static SparseAutoencoder normalization(SparseAutoencoder sae) {
        return switch (sae.config().normalization()) {
            case Normalization.None none -> sae;
            case Normalization.Factor(float factor) -> factor(sae, factor);
            default ->
                throw new BadInputException(
                        "a normalisation of each activation by itself cannot be folded into the weights");
        };
    }

    private static SparseAutoencoder factor(SparseAutoencoder sae, float factor) {
        SaeParameters parameters = sae.parameters();
        SaeParameters folded = new SaeParameters(
                times(parameters.encoder(), factor),
                parameters.encoderBias(),
                times(parameters.decoder(), 1 / factor),
                times(parameters.decoderBias(), 1 / factor),
                parameters.threshold(),
                parameters.gateBias(),
                parameters.magnitudeBias(),
                parameters.magnitudeScale(),
                parameters.skip());
        SaeConfig config = sae.config().withNormalization(Normalization.none());
        if (config.activation() instanceof LatentActivation.Threshold(float threshold, boolean rescaled) && rescaled) {
            config = config.withActivation(new LatentActivation.Threshold(threshold / factor, true));
        }
        return sae.with(config, folded);
    }

    /** As {@link SparseAutoencoder#foldDecoderNorms}. */
    static SparseAutoencoder decoderNorms(SparseAutoencoder sae) {
        LatentActivation activation = sae.config().activation();
        if (choosesWithoutNorms(activation)) {
            throw new BadInputException(
                    "decoder lengths cannot be folded into an autoencoder whose latents compete without them");
        }
        SaeParameters parameters = sae.parameters();
        int n = sae.config().latents();
        float[] norms = sae.decoderNorms().clone();
        float[] inverse = new float[n];
        for (int i = 0; i < n; i++) {
            norms[i] = Math.max(norms[i], SHORTEST);
            inverse[i] = 1 / norms[i];
        }
        float[] threshold = timesEach(parameters.threshold(), norms, 1);
        LatentActivation unit = switch (activation) {
            case LatentActivation.TopK top -> new LatentActivation.TopK(top.k(), false);
            case LatentActivation.BatchTopK top -> new LatentActivation.BatchTopK(top.k(), false);
            case LatentActivation.Threshold cut
            when cut.rescaled() -> new LatentActivation.Threshold(cut.threshold(), false);
            case LatentActivation.Threshold cut -> {
                // One threshold on z becomes a threshold for each latent, times its row's length.
                threshold = times(norms, cut.threshold());
                yield new LatentActivation.JumpRelu();
            }
            default -> activation;
        };
        SaeParameters folded = new SaeParameters(
                timesEach(parameters.encoder(), norms, sae.config().dIn()),
                timesEach(parameters.encoderBias(), norms, 1),
                timesEach(parameters.decoder(), inverse, sae.config().dOut()),
                parameters.decoderBias(),
                threshold,
                timesEach(parameters.gateBias(), norms, 1),
                timesEach(parameters.magnitudeBias(), norms, 1),
                parameters.magnitudeScale(),
                parameters.skip());
        return sae.with(sae.config().withActivation(unit), folded);
    }

    private static boolean choosesWithoutNorms(LatentActivation activation) {
        return switch (activation) {
            case LatentActivation.TopK top -> !top.rescaled();
            case LatentActivation.BatchTopK top -> !top.rescaled();
            case LatentActivation.GroupMax groups -> true;
            case LatentActivation.MatchingPursuit pursuit -> true;
            default -> false;
        };
    }

    private static float[] times(float[] values, float factor) {
        float[] scaled = values.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factor;
        }
        return scaled;
    }

    /** Multiplies each row of {@code d} values by its own factor; empty arrays stay empty. */
    private static float[] timesEach(float[] values, float[] factors, int d) {
        float[] scaled = values.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factors[i / d];
        }
        return scaled;
    }
}
