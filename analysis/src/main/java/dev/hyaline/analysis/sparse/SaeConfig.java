package dev.hyaline.analysis.sparse;

import dev.hyaline.engine.error.BadInputException;

/**
 * The shape of an autoencoder and the arithmetic around its weights.
 *
 * @param dIn values an input has; of a crosscoder those of all its sites together
 * @param dOut values an output has
 * @param latents number of latents
 * @param sites layers or models that a crosscoder reads and writes together; 1 for all others
 * @param transcoder whether it predicts another site than it reads
 * @param subtractsDecoderBias whether {@code b_dec} is subtracted from the input
 */
public record SaeConfig(
        int dIn,
        int dOut,
        int latents,
        int sites,
        boolean transcoder,
        boolean subtractsDecoderBias,
        Normalization normalization,
        LatentActivation activation) {
    public SaeConfig {
        if (dIn < 1 || dOut < 1 || latents < 1 || sites < 1) {
            throw new BadInputException("an autoencoder has at least one input, output, latent and site, found " + dIn
                    + ", " + dOut + ", " + latents + " and " + sites);
        }
        if (dIn % sites != 0 || dOut % sites != 0) {
            throw new BadInputException(
                    "the widths " + dIn + " and " + dOut + " cannot be divided among " + sites + " sites");
        }
        if (transcoder && subtractsDecoderBias) {
            throw new BadInputException(
                    "a transcoder's b_dec is of its output and cannot be subtracted from its input");
        }
        if (!transcoder && dIn != dOut) {
            throw new BadInputException(
                    "an autoencoder's output is as wide as its input, found " + dIn + " and " + dOut);
        }
        if (transcoder && !(normalization instanceof Normalization.None)) {
            throw new BadInputException("a transcoder's output cannot be brought back from a normalised input");
        }
        if (activation instanceof LatentActivation.GroupMax(int groups) && latents % groups != 0) {
            throw new BadInputException(latents + " latents cannot be cut into " + groups + " groups");
        }
    }

    /** A plain autoencoder of one site, which subtracts its decoder bias. */
    public static SaeConfig of(int d, int latents, LatentActivation activation) {
        return new SaeConfig(d, d, latents, 1, false, true, Normalization.none(), activation);
    }

    public SaeConfig withActivation(LatentActivation other) {
        return new SaeConfig(dIn, dOut, latents, sites, transcoder, subtractsDecoderBias, normalization, other);
    }

    public SaeConfig withNormalization(Normalization other) {
        return new SaeConfig(dIn, dOut, latents, sites, transcoder, subtractsDecoderBias, other, activation);
    }

    public SaeConfig withSubtractsDecoderBias(boolean subtracts) {
        return new SaeConfig(dIn, dOut, latents, sites, transcoder, subtracts, normalization, activation);
    }
}
