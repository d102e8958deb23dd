package dev.hyaline.analysis.sparse;

import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;

/**
 * The parameters of an autoencoder, row-major. Arrays are not copied. Those that the architecture has not are empty.
 *
 * @param encoder {@code [latents, dIn]}: the transpose of {@code W_enc}, so that a latent's weights lie together; empty
 *     for matching pursuit, which encodes with the decoder
 * @param encoderBias {@code b_enc [latents]}; empty for gated ones
 * @param decoder {@code W_dec [latents, dOut]}
 * @param decoderBias {@code b_dec [dOut]}
 * @param threshold {@code [latents]}, of jumprelu
 * @param gateBias {@code b_gate [latents]}, of gated ones
 * @param magnitudeBias {@code b_mag [latents]}, of gated ones
 * @param magnitudeScale {@code r_mag [latents]}, of gated ones
 * @param skip {@code W_skip [dOut, dIn]}, of skip transcoders
 */
public record SaeParameters(
        float[] encoder,
        float[] encoderBias,
        float[] decoder,
        float[] decoderBias,
        float[] threshold,
        float[] gateBias,
        float[] magnitudeBias,
        float[] magnitudeScale,
        float[] skip) {
    private static final float[] NONE = {};

    /** Those that a ReLU or top-k autoencoder has. */
    public static SaeParameters of(float[] encoder, float[] encoderBias, float[] decoder, float[] decoderBias) {
        return new SaeParameters(encoder, encoderBias, decoder, decoderBias, NONE, NONE, NONE, NONE, NONE);
    }

    public SaeParameters withThreshold(float[] threshold) {
        return new SaeParameters(
                encoder, encoderBias, decoder, decoderBias, threshold, gateBias, magnitudeBias, magnitudeScale, skip);
    }

    /** Those of a gated autoencoder, in place of {@code b_enc}. */
    public SaeParameters withGate(float[] gateBias, float[] magnitudeBias, float[] magnitudeScale) {
        return new SaeParameters(
                encoder, NONE, decoder, decoderBias, threshold, gateBias, magnitudeBias, magnitudeScale, skip);
    }

    public SaeParameters withSkip(float[] skip) {
        return new SaeParameters(
                encoder, encoderBias, decoder, decoderBias, threshold, gateBias, magnitudeBias, magnitudeScale, skip);
    }

    /** @throws BadShapeException naming a parameter that does not have the size that a configuration needs */
    void require(SaeConfig config) {
        int n = config.latents();
        boolean gated = config.activation() instanceof LatentActivation.Gated;
        boolean tied = config.activation() instanceof LatentActivation.MatchingPursuit;
        require("W_enc", encoder, tied ? 0 : (long) n * config.dIn());
        require("b_enc", encoderBias, gated || tied ? 0 : n);
        require("W_dec", decoder, (long) n * config.dOut());
        require("b_dec", decoderBias, config.dOut());
        require("threshold", threshold, config.activation() instanceof LatentActivation.JumpRelu ? n : 0);
        require("b_gate", gateBias, gated ? n : 0);
        require("b_mag", magnitudeBias, gated ? n : 0);
        require("r_mag", magnitudeScale, gated ? n : 0);
        if (skip.length > 0) {
            require("W_skip", skip, (long) config.dOut() * config.dIn());
        }
    }

    private static void require(String name, float[] values, long size) {
        if (values.length != size) {
            throw new BadShapeException(name, size + " values", values.length + " values");
        }
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
