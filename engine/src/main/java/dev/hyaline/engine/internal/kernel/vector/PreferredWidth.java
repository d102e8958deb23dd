package dev.hyaline.engine.internal.kernel.vector;

import jdk.incubator.vector.FloatVector;

/** The width of this machine's vectors, for a probe that must not load the kernels. */
public final class PreferredWidth {
    private PreferredWidth() {}

    /** Bits of the widest vector that C2 uses here. */
    public static int bits() {
        return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
}
