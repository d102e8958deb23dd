package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;

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

    /** Runs the method. */
    Finding run(Subject subject);
}
