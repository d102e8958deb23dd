package dev.hyaline.engine.internal.kernel.vector;

import dev.hyaline.engine.internal.kernel.TileShape;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The vectors and the shape of tiles that all these kernels use, and how the lanes of a sum are added. */
final class Lanes {
    /** Bits of a vector, when the machine's preference is not wanted: 128, 256 or 512. */
    static final String WIDTH_PROPERTY = "hyaline.vectorBits";

    /** Panels and sums are laid out for vectors of up to 16 floats. */
    private static final int MAX_BITS = 512;

    static final VectorSpecies<Float> SPECIES = species();
    static final int WIDTH = SPECIES.length();

    static final TileShape.Choice TILES = TileShape.choose(SPECIES.vectorBitSize(), PreferredWidth.bits());
    static final TileShape SHAPE = TILES.shape();

    private static final VectorShuffle<Float> ROTATE_8 = VectorShuffle.iota(SPECIES, 8, 1, true);
    private static final VectorShuffle<Float> ROTATE_4 = VectorShuffle.iota(SPECIES, 4, 1, true);
    private static final VectorShuffle<Float> ROTATE_2 = VectorShuffle.iota(SPECIES, 2, 1, true);
    private static final VectorShuffle<Float> ROTATE_1 = VectorShuffle.iota(SPECIES, 1, 1, true);

    private Lanes() {}

    private static VectorSpecies<Float> species() {
        int bits = Integer.getInteger(WIDTH_PROPERTY, Math.min(MAX_BITS, PreferredWidth.bits()));
        return switch (bits) {
            case 128 -> FloatVector.SPECIES_128;
            case 256 -> FloatVector.SPECIES_256;
            case MAX_BITS -> FloatVector.SPECIES_512;
            default -> throw new IllegalStateException("there are kernels for 128, 256 and 512 bits, found " + bits);
        };
    }

    /** Adds the lanes of the folded vector as the kernels promise; {@code reduceLanes} leaves its order open. */
    static float tree(FloatVector folded) {
        FloatVector v = folded;
        if (WIDTH == 16) {
            v = v.add(v.rearrange(ROTATE_8));
        }
        if (WIDTH >= 8) {
            v = v.add(v.rearrange(ROTATE_4));
        }
        v = v.add(v.rearrange(ROTATE_2));
        return v.add(v.rearrange(ROTATE_1)).lane(0);
    }
}
