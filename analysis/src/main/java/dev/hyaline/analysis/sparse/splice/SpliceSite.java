package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.sparse.SaeConfig;
import java.util.Arrays;
import java.util.List;

/** The sites inside a spliced autoencoder, in the order in which it computes them. */
public enum SpliceSite {
    /** The values that it reads, before anything is done to it, {@code [tokens, dIn]}. */
    INPUT("hook_sae_input"),
    /** {@code [tokens, latents]}, before the activation function. */
    ACTS_PRE("hook_sae_acts_pre"),
    /** The latents, edits included, {@code [tokens, latents]}. */
    ACTS_POST("hook_sae_acts_post"),
    /** The reconstruction from these, {@code [tokens, dOut]}. */
    RECONS("hook_sae_recons"),
    /** The written site less the reconstruction without edits, {@code [tokens, dOut]}. */
    ERROR("hook_sae_error"),
    /** The new values of the site that it writes, {@code [tokens, dOut]}. */
    OUTPUT("hook_sae_output");

    private final String localName;

    SpliceSite(String localName) {
        this.localName = localName;
    }

    /** The name that TransformerLens gives the site. */
    public String localName() {
        return localName;
    }

    /** All names. */
    public static List<String> names() {
        return Arrays.stream(values()).map(SpliceSite::localName).toList();
    }

    /** Values of a token. */
    public int width(SaeConfig config) {
        return switch (this) {
            case INPUT -> config.dIn();
            case ACTS_PRE, ACTS_POST -> config.latents();
            case RECONS, ERROR, OUTPUT -> config.dOut();
        };
    }

    /**
     * The values of the site in a splice that was made; a copy.
     *
     * @param y what the written point held
     */
    public float[] values(Splice splice, Splice.SpliceResult result, float[] y) {
        return switch (this) {
            case INPUT -> result.input().clone();
            case ACTS_PRE -> splice.attachment().autoencoder().preActivations(result.encoded());
            case ACTS_POST -> result.after().dense();
            case RECONS -> result.reconstruction().clone();
            case ERROR -> {
                Splice clean = Splice.of(splice.attachment());
                yield difference(y, clean.apply(result.input(), y).reconstruction());
            }
            case OUTPUT -> result.output().clone();
        };
    }

    private static float[] difference(float[] y, float[] subtracted) {
        float[] difference = y.clone();
        for (int i = 0; i < difference.length; i++) {
            difference[i] -= subtracted[i];
        }
        return difference;
    }
}
