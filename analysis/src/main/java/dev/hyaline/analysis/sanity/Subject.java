package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.Gpt2;

/**
 * The model, pairs and metric that a method is run on.
 *
 * @param model must stay open
 * @param seed of whatever the method draws
 */
public record Subject(Gpt2 model, PromptPairs pairs, Metric metric, long seed) {

    /** The units of the pairs; each pair is one by itself if they are not known. */
    Units units() {
        return pairs.units().orElse(Units.each(pairs.size()));
    }

    Subject of(Gpt2 other) {
        return new Subject(other, pairs, metric, seed);
    }

    Subject of(PromptPairs other) {
        return new Subject(model, other, metric, seed);
    }
}
