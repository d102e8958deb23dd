package dev.hyaline.engine.site;

import dev.hyaline.engine.config.Gpt2Config;
import java.util.List;

/**
 * The pass as a table: the hook sites of a GPT-2 in the order in which a pass reaches them, with the {@link Stage} that
 * each belongs to, its {@link Role} there, and TransformerLens's name and meaning. Sites of {@link Stage#ATTENTION} and
 * {@link Stage#MLP} exist once a layer.
 */
public enum Site {
    EMBED(Stage.EMBEDDING, Role.INNER, "hook_embed", Shape.RESIDUAL),
    POS_EMBED(Stage.EMBEDDING, Role.INNER, "hook_pos_embed", Shape.RESIDUAL),

    RESID_PRE(Stage.ATTENTION, Role.RESIDUAL_IN, "hook_resid_pre", Shape.RESIDUAL),
    /** The residual as each head reads it, before ln1. An edit reaches q, k and v of that head. */
    ATTN_IN(Stage.ATTENTION, Role.RESIDUAL_IN, "hook_attn_in", Shape.HEAD_RESIDUAL),
    Q_INPUT(Stage.ATTENTION, Role.RESIDUAL_IN, "hook_q_input", Shape.HEAD_RESIDUAL),
    K_INPUT(Stage.ATTENTION, Role.RESIDUAL_IN, "hook_k_input", Shape.HEAD_RESIDUAL),
    V_INPUT(Stage.ATTENTION, Role.RESIDUAL_IN, "hook_v_input", Shape.HEAD_RESIDUAL),
    /** {@code sqrt(mean((x - mean)^2) + eps)}. */
    LN1_SCALE(Stage.ATTENTION, Role.INNER, "ln1.hook_scale", Shape.SCALE),
    /** {@code (x - mean) / scale}, before gain and bias. */
    LN1_NORMALIZED(Stage.ATTENTION, Role.INNER, "ln1.hook_normalized", Shape.RESIDUAL),
    Q(Stage.ATTENTION, Role.INNER, "attn.hook_q", Shape.HEADS),
    K(Stage.ATTENTION, Role.INNER, "attn.hook_k", Shape.HEADS),
    V(Stage.ATTENTION, Role.INNER, "attn.hook_v", Shape.HEADS),
    /** After the scale and the causal mask: minus infinity above the diagonal. */
    ATTN_SCORES(Stage.ATTENTION, Role.INNER, "attn.hook_attn_scores", Shape.ATTENTION),
    PATTERN(Stage.ATTENTION, Role.INNER, "attn.hook_pattern", Shape.ATTENTION),
    /** Pattern-weighted values. */
    Z(Stage.ATTENTION, Role.ENTRY, "attn.hook_z", Shape.HEADS),
    /** Each head's {@code z W_O}, without {@code b_O}. */
    RESULT(Stage.ATTENTION, Role.INNER, "attn.hook_result", Shape.HEAD_RESIDUAL),
    ATTN_OUT(Stage.ATTENTION, Role.ENTRY, "hook_attn_out", Shape.RESIDUAL),

    RESID_MID(Stage.MLP, Role.RESIDUAL_IN, "hook_resid_mid", Shape.RESIDUAL),
    /** The residual as the MLP reads it, before ln2. */
    MLP_IN(Stage.MLP, Role.RESIDUAL_IN, "hook_mlp_in", Shape.RESIDUAL),
    LN2_SCALE(Stage.MLP, Role.INNER, "ln2.hook_scale", Shape.SCALE),
    LN2_NORMALIZED(Stage.MLP, Role.INNER, "ln2.hook_normalized", Shape.RESIDUAL),
    MLP_PRE(Stage.MLP, Role.INNER, "mlp.hook_pre", Shape.NEURONS),
    MLP_POST(Stage.MLP, Role.ENTRY, "mlp.hook_post", Shape.NEURONS),
    MLP_OUT(Stage.MLP, Role.ENTRY, "hook_mlp_out", Shape.RESIDUAL),
    RESID_POST(Stage.MLP, Role.RESIDUAL_OUT, "hook_resid_post", Shape.RESIDUAL),

    LN_FINAL_SCALE(Stage.UNEMBEDDING, Role.INNER, "ln_final.hook_scale", Shape.SCALE),
    LN_FINAL_NORMALIZED(Stage.UNEMBEDDING, Role.INNER, "ln_final.hook_normalized", Shape.RESIDUAL),
    /** The final norm's output, after gain and bias. */
    UNEMBED_IN(Stage.UNEMBEDDING, Role.INNER, "unembed.hook_in", Shape.RESIDUAL),
    /** The logits. */
    UNEMBED_OUT(Stage.UNEMBEDDING, Role.INNER, "unembed.hook_out", Shape.LOGITS);

    /** The part that a site's values play in their stage. */
    public enum Role {
        /** The residual stream that the stage reads, or a copy of it. */
        RESIDUAL_IN,
        /** Values between. */
        INNER,
        /**
         * Values between from which, with the residual stream that the stage reads, all later ones of the stage follow:
         * a pass can begin here.
         */
        ENTRY,
        /** The residual stream that the stage leaves. */
        RESIDUAL_OUT
    }

    /** The values of a site for one sequence of {@code p} positions (attention: {@code q} queries, {@code k} keys). */
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

        /** What the axes of a sequence's values are, in the singular: {@code position}, {@code head}, {@code query}. */
        public List<String> axes() {
            return switch (this) {
                case RESIDUAL -> List.of("position", "dimension");
                case SCALE -> List.of("position", "scale");
                case HEADS, HEAD_RESIDUAL -> List.of("position", "head", "dimension");
                case ATTENTION -> List.of("head", "query", "key");
                case NEURONS -> List.of("position", "neuron");
                case LOGITS -> List.of("position", "token");
            };
        }

        /** Returns whether a token's values are those of its heads. */
        public boolean byHead() {
            return this == HEADS || this == HEAD_RESIDUAL || this == ATTENTION;
        }

        /** Values a token, or for attention maps values a (query, key) pair. */
        public int width(Gpt2Config config) {
            return perToken(config).stream().reduce(1, Math::multiplyExact);
        }
    }

    private final Stage stage;
    private final Role role;
    private final String localName;
    private final Shape shape;

    Site(Stage stage, Role role, String localName, Shape shape) {
        this.stage = stage;
        this.role = role;
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

    /** The stage that forms the site's values. */
    public Stage stage() {
        return stage;
    }

    /** The part that its values play in their stage. */
    public Role role() {
        return role;
    }

    /** Returns whether the values are the residual stream at a boundary, or copies of it. */
    public boolean isResidual() {
        return role == Role.RESIDUAL_IN || role == Role.RESIDUAL_OUT;
    }

    /** Returns whether the values are attention maps, which are not one row a token. */
    public boolean isMap() {
        return shape == Shape.ATTENTION;
    }

    /**
     * Values of one place: of a token, or of one of its heads where the site has heads. At maps, whose places differ in
     * size, 1.
     */
    public int placeWidth(Gpt2Config config) {
        int width = shape.width(config);
        return shape.byHead() ? width / config.nHeads() : width;
    }

    /** Returns whether the site exists once a layer. */
    public boolean perLayer() {
        return stage.perLayer();
    }

    /** Returns whether TransformerLens, too, forms the site only when it is asked for; "all" sites leaves these out. */
    public boolean onRequest() {
        return switch (this) {
            case ATTN_IN, Q_INPUT, K_INPUT, V_INPUT, RESULT, MLP_IN -> true;
            default -> false;
        };
    }
}
