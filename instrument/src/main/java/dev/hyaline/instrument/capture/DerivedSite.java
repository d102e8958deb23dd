package dev.hyaline.instrument.capture;

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
}
