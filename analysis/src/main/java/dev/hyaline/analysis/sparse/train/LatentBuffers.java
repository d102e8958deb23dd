package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.PackedRows;

/** Arrays of a worker for one latent at a time, with a value for each of its entries. */
final class LatentBuffers {
    /** Gradient of the activations. */
    float[] df = {};

    /** Gradient of the pre-activations. */
    float[] dz = {};

    /** Activations. */
    float[] f = {};

    void room(int count) {
        df = PackedRows.grown(df, count);
        dz = PackedRows.grown(dz, count);
        f = PackedRows.grown(f, count);
    }
}
