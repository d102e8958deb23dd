package dev.hyaline.engine.site;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * A cut through the residual stream between two {@link Stage}s, at which a pass can begin or stop: before a block's
 * attention ({@code resid_pre}) or between its attention and its MLP ({@code resid_mid}). In order:
 * {@code resid_pre(0), resid_mid(0), resid_pre(1), ..., resid_pre(nLayers)}.
 *
 * @param layer from 0; with {@code mid} false it may be {@code nLayers}, which is the last block's {@code resid_post}
 */
public record Boundary(int layer, boolean mid) implements Comparable<Boundary> {
    /** The boundary before the attention of a layer. */
    public static Boundary residPre(int layer) {
        return new Boundary(layer, false);
    }

    /** The boundary between the attention and the MLP of a layer. */
    public static Boundary residMid(int layer) {
        return new Boundary(layer, true);
    }

    /** The boundary after the embedding. */
    public static Boundary first() {
        return residPre(0);
    }

    /** The boundary before the final norm. */
    public static Boundary last(Gpt2Config config) {
        return residPre(config.nLayers());
    }

    /** The boundary one stage later. */
    public Boundary next() {
        return mid ? residPre(layer + 1) : residMid(layer);
    }

    /** The boundary one stage earlier. */
    public Boundary previous() {
        return mid ? residPre(layer) : residMid(layer - 1);
    }

    /** The stage that reads the residual stream here. */
    public Stage stage(Gpt2Config config) {
        if (layer == config.nLayers()) {
            return Stage.UNEMBEDDING;
        }
        return mid ? Stage.MLP : Stage.ATTENTION;
    }

    /**
     * The boundaries from this one on, without {@code end}: where the stages of a pass from here to {@code end} begin,
     * in order.
     */
    public List<Boundary> upTo(Boundary end) {
        List<Boundary> boundaries = new ArrayList<>();
        for (Boundary at = this; at.isBefore(end); at = at.next()) {
            boundaries.add(at);
        }
        return List.copyOf(boundaries);
    }

    /**
     * The hook points that hold the residual stream here, in order: {@code resid_post} of the layer before and
     * {@code resid_pre}, or {@code resid_mid}. Where nothing is edited their values are the same.
     */
    public List<HookPoint> points(Gpt2Config config) {
        if (mid) {
            return List.of(HookPoint.of(Site.RESID_MID, layer));
        }
        List<HookPoint> points = new ArrayList<>();
        if (layer > 0) {
            points.add(HookPoint.of(Site.RESID_POST, layer - 1));
        }
        if (layer < config.nLayers()) {
            points.add(HookPoint.of(Site.RESID_PRE, layer));
        }
        return List.copyOf(points);
    }

    /**
     * Returns this boundary.
     *
     * @throws BadInputException if a model has none such
     */
    public Boundary requireIn(Gpt2Config config) {
        if (layer < 0 || last(config).isBefore(this)) {
            throw new BadInputException("the model has " + config.nLayers() + " layers, found boundary " + this);
        }
        return this;
    }

    /** Returns whether a pass comes to this boundary before it comes to another. */
    public boolean isBefore(Boundary other) {
        return compareTo(other) < 0;
    }

    /** Compares by the order in which a pass comes to them. */
    @Override
    public int compareTo(Boundary other) {
        return layer != other.layer ? Integer.compare(layer, other.layer) : Boolean.compare(mid, other.mid);
    }

    @Override
    public String toString() {
        return "blocks." + layer + (mid ? ".hook_resid_mid" : ".hook_resid_pre");
    }
}
