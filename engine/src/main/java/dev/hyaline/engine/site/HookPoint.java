package dev.hyaline.engine.site;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.UnknownHookPointException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A place in the pass where a {@link Probe} can read and edit: a site and, for sites inside the blocks, a layer.
 *
 * @param layer from 0; {@link #NO_LAYER} for sites outside the blocks
 */
public record HookPoint(Site site, int layer) implements Comparable<HookPoint> {
    public static final int NO_LAYER = -1;

    public HookPoint {
        if (site.perLayer() ? layer < 0 : layer != NO_LAYER) {
            throw new UnknownHookPointException(
                    site.localName() + (layer == NO_LAYER ? " without a layer" : " at layer " + layer), List.of());
        }
    }

    /** A site outside the blocks. */
    public static HookPoint of(Site site) {
        return new HookPoint(site, NO_LAYER);
    }

    public static HookPoint of(Site site, int layer) {
        return new HookPoint(site, layer);
    }

    /** Every point of a model, in the order in which a pass reaches them. */
    public static List<HookPoint> all(Gpt2Config config) {
        List<HookPoint> points = new ArrayList<>();
        for (Site site : Site.values()) {
            if (!site.perLayer()) {
                points.add(of(site));
                continue;
            }
            for (int layer = 0; layer < config.nLayers(); layer++) {
                points.add(of(site, layer));
            }
        }
        points.sort(null);
        return List.copyOf(points);
    }

    /** The canonical name, such as {@code blocks.3.attn.hook_z} or {@code hook_embed}. */
    public String name() {
        return site.perLayer() ? "blocks." + layer + "." + site.localName() : site.localName();
    }

    /** The boundary at which its stage begins; empty for the embedding. */
    public Optional<Boundary> boundaryBefore(Gpt2Config config) {
        return switch (site.stage()) {
            case EMBEDDING -> Optional.empty();
            case ATTENTION -> Optional.of(Boundary.residPre(layer));
            case MLP -> Optional.of(Boundary.residMid(layer));
            case UNEMBEDDING -> Optional.of(Boundary.last(config));
        };
    }

    /**
     * The boundary at which its stage ends: a pass that stops there has reached the point; empty for the unembedding.
     */
    public Optional<Boundary> boundaryAfter() {
        return switch (site.stage()) {
            case EMBEDDING -> Optional.of(Boundary.first());
            case ATTENTION -> Optional.of(Boundary.residPre(layer).next());
            case MLP -> Optional.of(Boundary.residMid(layer).next());
            case UNEMBEDDING -> Optional.empty();
        };
    }

    /** The boundary whose residual stream the point holds; empty if it holds something else. */
    public Optional<Boundary> residual(Gpt2Config config) {
        return switch (site.role()) {
            case RESIDUAL_IN -> boundaryBefore(config);
            case RESIDUAL_OUT -> boundaryAfter();
            case INNER, ENTRY -> Optional.empty();
        };
    }

    /** By the order in which a pass reaches them. */
    @Override
    public int compareTo(HookPoint other) {
        if (site.perLayer() && other.site.perLayer() && layer != other.layer) {
            return Integer.compare(layer, other.layer);
        }
        return site.compareTo(other.site);
    }

    @Override
    public String toString() {
        return name();
    }
}
