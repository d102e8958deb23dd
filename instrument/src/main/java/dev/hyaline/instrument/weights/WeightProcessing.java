package dev.hyaline.instrument.weights;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;

/**
 * Makes weights in another basis, as TransformerLens's {@code process_weights} does. Every value is computed in float64
 * and rounded once. What was done is readable from the result: {@link Gpt2Weights#processing}.
 */
public final class WeightProcessing {
    private WeightProcessing() {}

    /** All four steps: what TransformerLens does to a model unless told otherwise. */
    public static Gpt2Weights processWeights(Gpt2Weights weights) {
        return processWeights(weights, EnumSet.allOf(ProcessingStep.class));
    }

    /** As {@link #processWeights(Gpt2Config, TensorSource, Collection)}, from packed weights. */
    public static Gpt2Weights processWeights(Gpt2Weights weights, Collection<ProcessingStep> steps) {
        return processWeights(weights.config(), weights, steps);
    }

    /**
     * New weights with some steps applied, in the steps' own order. The embeddings are no longer tied if one of them
     * changed.
     *
     * @throws BadInputException if no step is given
     */
    public static Gpt2Weights processWeights(Gpt2Config config, TensorSource source, Collection<ProcessingStep> steps) {
        if (steps.isEmpty()) {
            throw new BadInputException("processing weights takes at least one step, found none");
        }
        Set<ProcessingStep> chosen = EnumSet.copyOf(steps);
        boolean embeddingsStay = chosen.equals(EnumSet.of(ProcessingStep.FOLD_VALUE_BIASES));
        Gpt2Config processed = embeddingsStay ? config : config.untied();
        return Gpt2Weights.load(processed, new ProcessedSource(config, source, chosen));
    }
}
