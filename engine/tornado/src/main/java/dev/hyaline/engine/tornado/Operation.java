package dev.hyaline.engine.tornado;

import java.util.ArrayList;
import java.util.List;

/** An operation on a device, one launch each. */
sealed interface Operation {
    /** Steps of a pass, or parts of one. */
    enum Step implements Operation {
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
        /** Queries, keys and values. */
        PROJECT,
        STORE,
        ATTEND,
        SCORES,
        PATTERN,
        WEIGH,
        ATTENTION_OUT,
        ATTENTION_OUT_ADD,
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
        /** The residual stream once for every head. */
        SPREAD,
        COPY_HEAD_ROWS,
        LN1_OF_HEAD_ROWS,
        PROJECT_HEAD_ROWS,
        HEAD_RESULTS,
        SUM_HEAD_RESULTS;

        /**
         * A layer that nobody watches. Every run of neighbours in it is compiled as one graph, so that graphs part only
         * where somebody watches.
         */
        static final List<Operation> LAYER =
                List.of(LN1, PROJECT, STORE, ATTEND, ATTENTION_OUT_ADD, LN2, MLP_IN_ACTIVATE, MLP_OUT_ADD);

        /** The logits of a pass whose final norm nobody watches. */
        static final List<Operation> LOGITS = List.of(GATHER_RESIDUAL, LN_FINAL, UNEMBED);

        @Override
        public boolean hasForms() {
            return switch (this) {
                case LN1,
                        LN2,
                        LN2_OF_INPUT,
                        LN_FINAL,
                        PROJECT,
                        ATTEND,
                        ATTENTION_OUT,
                        ATTENTION_OUT_ADD,
                        MLP_IN,
                        MLP_IN_ACTIVATE,
                        MLP_OUT,
                        MLP_OUT_ADD,
                        UNEMBED -> true;
                default -> false;
            };
        }
    }

    /** Changes of a buffer that the host asks for. */
    enum ChangeKind {
        /** Copies given values. */
        LOAD,
        /** {@code x <- factor x + addend}. */
        EDIT,
        /** The part of that which lies along directions. */
        EDIT_ALONG,
        /** Exchanges places. */
        SWAP
    }

    /** A change of the values of a buffer. */
    record BufferChange(ChangeKind kind, DeviceBuffer buffer) implements Operation {
        @Override
        public boolean hasForms() {
            return false;
        }
    }

    static List<Operation> all() {
        List<Operation> all = new ArrayList<>(List.of(Step.values()));
        for (ChangeKind kind : ChangeKind.values()) {
            for (DeviceBuffer buffer : DeviceBuffer.values()) {
                all.add(new BufferChange(kind, buffer));
            }
        }
        return all;
    }

    /** Returns whether there are several forms of its kernel for a device, by the number of rows. */
    boolean hasForms();
}
