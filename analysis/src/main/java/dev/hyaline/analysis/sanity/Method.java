package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import java.util.Optional;

/**
 * A method of analysis: it gives every component of a model an effect on every pair. A pair's effects may depend on the
 * other pairs' prompts, as means do, but not on their answers.
 */
public interface Method {
    /** The name in tables. */
    String title();

    /** What stands in for parts that are left out, as all but a circuit's: the corrupted prompts' values by default. */
    default Ablation ablation() {
        return Ablation.counterfactual();
    }

    /** The same method with another ablation; empty if it ablates nothing. */
    default Optional<Method> with(Ablation other) {
        return Optional.empty();
    }

    /** Returns whether effects are of the logit difference whatever the subject's metric is. */
    default boolean ignoresMetric() {
        return false;
    }

    /** Runs the method. */
    Finding run(Subject subject);
}
