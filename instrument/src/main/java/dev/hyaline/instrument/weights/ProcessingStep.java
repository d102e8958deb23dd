package dev.hyaline.instrument.weights;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A change of a model's parameters that leaves its probabilities what they are and makes its parts easier to compare;
 * TransformerLens's, under its names. In the order in which they are applied.
 */
public enum ProcessingStep {
    /**
     * The gain and bias of every LayerNorm go into the weights and biases that read it, and these weights lose their
     * mean over the residual stream's dimensions, which a LayerNorm removes anyway. What remains of a LayerNorm is
     * centring and scaling.
     */
    FOLD_LN("fold_ln"),

    /**
     * All that is written to the residual stream ({@code W_E}, {@code W_pos}, {@code W_O}, {@code b_O}, {@code W_out},
     * {@code b_out}) loses its mean over the stream's dimensions, which every reader's LayerNorm removes anyway.
     */
    CENTER_WRITING_WEIGHTS("center_writing_weights"),

    /**
     * {@code W_U} and {@code b_U} lose their mean over the vocabulary: the logits after each token are shifted by one
     * constant, so that their mean is zero, and the probabilities stay.
     */
    CENTER_UNEMBED("center_unembed"),

    /** {@code b_V W_O} goes into {@code b_O}: attention adds up to 1, so the value biases reach every token in full. */
    FOLD_VALUE_BIASES("fold_value_biases");

    private final String label;

    ProcessingStep(String label) {
        this.label = label;
    }

    /**
     * The step that TransformerLens calls so.
     *
     * @throws BadInputException if there is none
     */
    public static ProcessingStep of(String name) {
        return Arrays.stream(values())
                .filter(step -> step.label.equals(name))
                .findFirst()
                .orElseThrow(() -> new BadInputException("no step of weight processing is called '" + name
                        + "'; there are "
                        + Arrays.stream(values()).map(step -> step.label).collect(Collectors.joining(", "))));
    }

    /** TransformerLens's names, with commas between; {@code nothing} without steps. For messages. */
    public static String names(List<ProcessingStep> steps) {
        return steps.isEmpty()
                ? "nothing"
                : steps.stream().map(ProcessingStep::toString).collect(Collectors.joining(", "));
    }

    /** TransformerLens's name, such as {@code fold_ln}. */
    @Override
    public String toString() {
        return label;
    }
}
