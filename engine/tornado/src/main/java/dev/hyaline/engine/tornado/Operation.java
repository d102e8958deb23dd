package dev.hyaline.engine.tornado;

import dev.hyaline.engine.internal.forward.Buffer;
import java.util.List;

/** What a device is launched to do: a step of a pass, or a part of one. One launch each. */
enum Operation {
    EMBED,
    EMBED_APART,
    SUM_EMBEDDINGS,
    LN1,
    LN1_AFFINE,
    LN2,
    LN2_AFFINE,
    /** LN2 of a copy of the residual stream that a probe has seen. */
    LN2_OF_INPUT,
    LN_FINAL,
    LN_FINAL_AFFINE,
    CENTER,
    CENTER_INPUT,
    DIVIDE,
    PROJECT_Q,
    PROJECT_K,
    PROJECT_V,
    STORE,
    ATTEND,
    SCORES,
    PATTERN,
    WEIGH,
    ATTENTION_OUT,
    ATTENTION_OUT_ADD,
    HEAD_RESULT,
    MLP_IN,
    MLP_IN_ACTIVATE,
    ACTIVATE,
    MLP_OUT,
    MLP_OUT_ADD,
    ADD_BRANCH,
    COPY_MLP_INPUT,
    GATHER_RESIDUAL,
    GATHER_NORMED,
    UNEMBED,
    LOAD_COLUMNS,
    COPY_PAGE,
    LOAD_RESIDUAL,
    LOAD_NORMED,
    LOAD_SCALES,
    LOAD_Q,
    LOAD_K,
    LOAD_V,
    LOAD_Z,
    LOAD_NEURONS,
    LOAD_BRANCH,
    LOAD_MAPS;

    /** A layer that nobody watches. Every run of neighbours in it is compiled as one graph, so that graphs part only where somebody watches. */
    static final List<Operation> LAYER = List.of(
            LN1, PROJECT_Q, PROJECT_K, PROJECT_V, STORE, ATTEND, ATTENTION_OUT_ADD, LN2, MLP_IN_ACTIVATE, MLP_OUT_ADD);

    /** Whether it is a matrix product of a layer, of which a device may have several forms. */
    boolean isProduct() {
        return switch (this) {
            case PROJECT_Q,
                    PROJECT_K,
                    PROJECT_V,
                    ATTENTION_OUT,
                    ATTENTION_OUT_ADD,
                    MLP_IN,
                    MLP_IN_ACTIVATE,
                    MLP_OUT,
                    MLP_OUT_ADD -> true;
            default -> false;
        };
    }

    /** What fills a buffer from the host. */
    static Operation load(Buffer buffer) {
        return switch (buffer) {
            case RESIDUAL -> LOAD_RESIDUAL;
            case NORMED, POSITION_EMBEDDINGS -> LOAD_NORMED;
            case SCALES -> LOAD_SCALES;
            case Q -> LOAD_Q;
            case K -> LOAD_K;
            case V -> LOAD_V;
            case Z -> LOAD_Z;
            case NEURONS -> LOAD_NEURONS;
            case BRANCH, TOKEN_EMBEDDINGS, MLP_INPUT -> LOAD_BRANCH;
            case MAPS -> LOAD_MAPS;
            case HEAD_INPUTS, Q_INPUTS, K_INPUTS, V_INPUTS, RESULTS -> throw new AssertionError(buffer);
        };
    }
}
