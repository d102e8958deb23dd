package dev.hyaline.analysis.sparse;

/** Autoencoders of one head, cut out of one of all heads. */
public final class SingleHead {
    private SingleHead() {}

    /** The weights of one head's values, as an autoencoder of that head alone. */
    public static SparseAutoencoder of(SparseAutoencoder all, int head, int dHead) {
        SaeParameters p = all.parameters();
        int n = all.config().latents();
        int d = all.config().dIn();
        SaeParameters cut = SaeParameters.of(
                columns(p.encoder(), n, d, head * dHead, dHead),
                p.encoderBias(),
                columns(p.decoder(), n, d, head * dHead, dHead),
                columns(p.decoderBias(), 1, d, head * dHead, dHead));
        return SparseAutoencoder.of(
                SaeConfig.of(dHead, n, all.config().activation()),
                cut,
                all.metadata().ofHead(head));
    }

    /** Some columns of rows {@code [rows, width]}. */
    public static float[] columns(float[] values, int rows, int width, int from, int count) {
        float[] columns = new float[rows * count];
        for (int r = 0; r < rows; r++) {
            System.arraycopy(values, r * width + from, columns, r * count, count);
        }
        return columns;
    }
}
