package dev.hyaline.analysis.sanity;

/**
 * A method of analysis: it gives every component of a model an effect on every pair. A pair's effects may depend on the
 * other pairs' prompts, as means do, but not on their answers.
 */
public interface Method {
    /** The name in tables. */
    String title();

    /** Runs the method. */
    Finding run(Subject subject);
}
