package dev.hyaline.engine.site;

import dev.hyaline.engine.Gpt2Config;
import java.util.List;

/**
 * The hook sites of a GPT-2, in the order in which a pass reaches them, with TransformerLens's names and meanings.
 * Sites from {@link #RESID_PRE} to {@link #RESID_POST} exist once a layer.
 */
public enum Site {
    EMBED("hook_embed", Shape.RESIDUAL),
    POS_EMBED("hook_pos_embed", Shape.RESIDUAL),
    RESID_PRE("hook_resid_pre", Shape.RESIDUAL),
    /** The residual as each head reads it, before ln1. An edit reaches q, k and v of that head. */
    ATTN_IN("hook_attn_in", Shape.HEAD_RESIDUAL),
    Q_INPUT("hook_q_input", Shape.HEAD_RESIDUAL),
    K_INPUT("hook_k_input", Shape.HEAD_RESIDUAL),
    V_INPUT("hook_v_input", Shape.HEAD_RESIDUAL),
    /** {@code sqrt(mean((x - mean)^2) + eps)}. */
    LN1_SCALE("ln1.hook_scale", Shape.SCALE),
    /** {@code (x - mean) / scale}, before gain and bias. */
    LN1_NORMALIZED("ln1.hook_normalized", Shape.RESIDUAL),
    Q("attn.hook_q", Shape.HEADS),
    K("attn.hook_k", Shape.HEADS),
    V("attn.hook_v", Shape.HEADS),
    /** After the scale and the causal mask: minus infinity above the diagonal. */
    ATTN_SCORES("attn.hook_attn_scores", Shape.ATTENTION),
    PATTERN("attn.hook_pattern", Shape.ATTENTION),
    /** Pattern-weighted values. */
    Z("attn.hook_z", Shape.HEADS),
    /** Each head's {@code z W_O}, without {@code b_O}. */
    RESULT("attn.hook_result", Shape.HEAD_RESIDUAL),
    ATTN_OUT("hook_attn_out", Shape.RESIDUAL),
    RESID_MID("hook_resid_mid", Shape.RESIDUAL),
    /** The residual as the MLP reads it, before ln2. */
    MLP_IN("hook_mlp_in", Shape.RESIDUAL),
    LN2_SCALE("ln2.hook_scale", Shape.SCALE),
    LN2_NORMALIZED("ln2.hook_normalized", Shape.RESIDUAL),
    MLP_PRE("mlp.hook_pre", Shape.NEURONS),
    MLP_POST("mlp.hook_post", Shape.NEURONS),
    MLP_OUT("hook_mlp_out", Shape.RESIDUAL),
    RESID_POST("hook_resid_post", Shape.RESIDUAL),
    LN_FINAL_SCALE("ln_final.hook_scale", Shape.SCALE),
    LN_FINAL_NORMALIZED("ln_final.hook_normalized", Shape.RESIDUAL),
    /** The final norm's output, after gain and bias. */
    UNEMBED_IN("unembed.hook_in", Shape.RESIDUAL),
    /** The logits. */
    UNEMBED_OUT("unembed.hook_out", Shape.LOGITS);

    /** What a site holds for one sequence of {@code p} positions (attention: {@code q} queries, {@code k} keys). */
    public enum Shape {
        /** {@code [p, dModel]}. */
        RESIDUAL,
        /** {@code [p, 1]}. */
        SCALE,
        /** {@code [p, nHeads, dHead]}. */
        HEADS,
        /** {@code [p, nHeads, dModel]}. */
        HEAD_RESIDUAL,
        /** {@code [nHeads, q, k]}: not a row a token. */
        ATTENTION,
        /** {@code [p, dMlp]}. */
        NEURONS,
        /** {@code [p, dVocab]}. */
        LOGITS;

        /** Sizes after the position axis, or {@code [nHeads]} for attention maps. */
        public List<Integer> perToken(Gpt2Config config) {
            return switch (this) {
                case RESIDUAL -> List.of(config.dModel());
                case SCALE -> List.of(1);
                case HEADS -> List.of(config.nHeads(), config.dHead());
                case HEAD_RESIDUAL -> List.of(config.nHeads(), config.dModel());
                case ATTENTION -> List.of(config.nHeads());
                case NEURONS -> List.of(config.dMlp());
                case LOGITS -> List.of(config.dVocab());
            };
        }

        /** Whether a token's values are those of its heads. */
        public boolean byHead() {
            return this == HEADS || this == HEAD_RESIDUAL || this == ATTENTION;
        }

        /** Values a token, or for attention maps values a (query, key) pair. */
        public int width(Gpt2Config config) {
            return perToken(config).stream().reduce(1, Math::multiplyExact);
        }
    }

    private final String localName;
    private final Shape shape;

    Site(String localName, Shape shape) {
        this.localName = localName;
        this.shape = shape;
    }

    /** The name within its block, such as {@code attn.hook_z}; the whole name for sites outside the blocks. */
    public String localName() {
        return localName;
    }

    /** The name without module and {@code hook_}: {@code z}, {@code resid_post}, {@code ln1.scale}, {@code mlp.pre}. */
    public String shortName() {
        String bare = localName.replace("hook_", "");
        return bare.startsWith("attn.") ? bare.substring("attn.".length()) : bare;
    }

    public Shape shape() {
        return shape;
    }

    /** Whether the site exists once a layer. */
    public boolean perLayer() {
        return compareTo(RESID_PRE) >= 0 && compareTo(RESID_POST) <= 0;
    }

    /** Whether TransformerLens, too, forms the site only when it is asked for; "all" sites leaves these out. */
    public boolean onRequest() {
        return switch (this) {
            case ATTN_IN, Q_INPUT, K_INPUT, V_INPUT, RESULT, MLP_IN -> true;
            default -> false;
        };
    }
}
