package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.Optional;

/**
 * The runs that a sweep was made for.
 *
 * @param pairs empty for a sweep that names no position
 */
record MadeFor(Gpt2Config config, Optional<PromptPairs> pairs) {
    /** Refuses runs of another model shape, or of other pairs than those whose positions the sweep has. */
    void require(String title, PairRuns runs) {
        if (!shape(config).equals(shape(runs.config()))) {
            throw new BadInputException("the sweep '" + title + "' was made for a model of " + shape(config)
                    + ", but the experiment's has " + shape(runs.config()));
        }
        if (pairs.isPresent() && !pairs.get().equals(runs.pairs())) {
            throw new BadInputException("the sweep '" + title + "' was made for the positions of other pairs: "
                    + pairs.get().size() + " such as '" + pairs.get().get(0).name() + "', but the experiment has "
                    + runs.pairs().size() + " such as '" + runs.pairs().get(0).name() + "'");
        }
    }

    private static String shape(Gpt2Config config) {
        return config.nLayers() + " layers, " + config.nHeads() + " heads, dModel " + config.dModel() + " and dMlp "
                + config.dMlp();
    }
}
