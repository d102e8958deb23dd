package dev.hyaline.analysis.sparse.measure;

import dev.hyaline.analysis.sparse.Latents;
import java.util.Arrays;

/** The latents of some of the tokens. */
final class LatentRows {
    private LatentRows() {}

    static Latents of(Latents latents, int first, int end) {
        int from = latents.offsets()[first];
        int[] offsets = Arrays.copyOfRange(latents.offsets(), first, end + 1);
        for (int t = 0; t < offsets.length; t++) {
            offsets[t] -= from;
        }
        int to = latents.offsets()[end];
        return new Latents(
                latents.width(),
                offsets,
                Arrays.copyOfRange(latents.indices(), from, to),
                Arrays.copyOfRange(latents.values(), from, to),
                new float[0],
                new float[0]);
    }
}
