package dev.hyaline.analysis.circuit;

import java.util.Locale;

/**
 * The value that the node {@code input} writes. The same for counterfactual ablation and for the mean by position;
 * others take the position embedding away or leave it.
 */
public enum InputMeaning {
    /** The token embedding, as in EAP-IG and MIB; the position embedding belongs to nobody and always stays. */
    TOKENS,
    /** The first residual stream, as in ACDC and auto-circuit. */
    TOKENS_AND_POSITIONS;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
