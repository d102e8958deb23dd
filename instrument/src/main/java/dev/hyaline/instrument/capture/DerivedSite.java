package dev.hyaline.instrument.capture;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import java.util.List;

/**
 * A site that no pass has of itself: a row of values for each token, computed from the token's rows at hook points. A
 * {@link dev.hyaline.instrument.dump.Dump} writes it beside those under a name of its own, such as the latents of a
 * sparse autoencoder.
 */
public interface DerivedSite {
    /** The tensor's name. */
    String name();

    /** The hook points that it is computed from, none of them an attention map. */
    List<HookPoint> sources();

    /** Values of a row. */
    int width();

    /**
     * Computes rows. A row must depend on no other.
     *
     * @param rows by source, each {@code [rows, width of the source]}
     * @return {@code [rows, width]}
     */
    float[] values(List<float[]> rows);

    /**
     * Tells the site from another of its name that has other values, such as a checksum of what computes them.
     *
     * @return printable text
     */
    String fingerprint();

    /**
     * Checks that the site has gradients.
     *
     * @throws BadInputException if it has none
     */
    void requireGradients();

    /**
     * Computes the gradient of a scalar with respect to rows of the site.
     *
     * @param rows by source, each {@code [rows, width of the source]}
     * @param gradient with respect to what the last source held, {@code [rows, width of that source]}
     * @return {@code [rows, width]}
     * @throws BadInputException if the site has none
     */
    float[] gradients(List<float[]> rows, float[] gradient);
}
