package dev.hyaline.engine.tornado;

import dev.hyaline.engine.internal.forward.PassBuffer;

/** The arrays of a pass on a device. Buffers that exist only while watched share the room of others not in use then. */
enum DeviceBuffer {
    RESIDUAL,
    NORMED,
    SCALES,
    /** Queries, keys and values, one after the other. */
    QKV,
    Z,
    NEURONS,
    BRANCH,
    MAPS;

    /** The place of a buffer. What single heads read or write is in {@link #MAPS}, in slots of {@link HeadRows}. */
    static DeviceBuffer of(PassBuffer buffer) {
        return switch (buffer) {
            case RESIDUAL -> RESIDUAL;
            case NORMED, POSITION_EMBEDDINGS -> NORMED;
            case SCALES -> SCALES;
            case Q, K, V -> QKV;
            case Z -> Z;
            case NEURONS -> NEURONS;
            case BRANCH, TOKEN_EMBEDDINGS, MLP_INPUT -> BRANCH;
            case MAPS, HEAD_INPUTS, Q_INPUTS, K_INPUTS, V_INPUTS, RESULTS -> MAPS;
        };
    }

    /**
     * A part of an array.
     *
     * @param base index of its first value
     */
    record Region(DeviceBuffer buffer, int base) {}
}
