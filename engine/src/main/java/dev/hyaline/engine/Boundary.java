package dev.hyaline.engine;

/**
 * A cut through the residual stream at which a pass can begin or stop: before a block's attention ({@code resid_pre})
 * or between its attention and its MLP ({@code resid_mid}).
 *
 * @param layer from 0; with {@code mid} false it may be {@code nLayers}, which is the last block's {@code resid_post}
 */
public record Boundary(int layer, boolean mid) implements Comparable<Boundary> {
    public static Boundary residPre(int layer) {
        return new Boundary(layer, false);
    }

    public static Boundary residMid(int layer) {
        return new Boundary(layer, true);
    }

    @Override
    public int compareTo(Boundary other) {
        return Integer.compare(ordinal(), other.ordinal());
    }

    private int ordinal() {
        return 2 * layer + (mid ? 1 : 0);
    }

    @Override
    public String toString() {
        return "blocks." + layer + (mid ? ".hook_resid_mid" : ".hook_resid_pre");
    }
}
