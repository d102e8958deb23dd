package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import org.jspecify.annotations.Nullable;

/**
 * The runs that a sweep was made for.
 *
 * @param pairs whose positions the sweep names, if it names any
 */
record MadeFor(Gpt2Config config, @Nullable PromptPairs pairs) {
    /** A sweep that names no position, for any pairs. */
    MadeFor(Gpt2Config config) {
        this(config, null);
    }

    /** Refuses runs of another model shape, or of other pairs than those whose positions the sweep has. */
    void require(String title, PairRuns runs) {
        if (!shape(config).equals(shape(runs.config()))) {
            throw new BadInputException("the sweep '" + title + "' was made for a model of " + shape(config)
                    + ", but the experiment's has " + shape(runs.config()));
        }
        if (pairs != null && !pairs.equals(runs.pairs())) {
            throw new BadInputException("the sweep '" + title + "' was made for the positions of other pairs: "
                    + pairs.size() + " such as '" + pairs.get(0).name() + "', but the experiment has "
                    + runs.pairs().size() + " such as '" + runs.pairs().get(0).name() + "'");
        }
    }

    private static String shape(Gpt2Config config) {
        return config.nLayers() + " layers, " + config.nHeads() + " heads, dModel " + config.dModel() + " and dMlp "
                + config.dMlp();
    }
}
