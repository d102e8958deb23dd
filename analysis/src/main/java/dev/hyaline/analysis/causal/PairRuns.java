package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.run.BaseRun;
import java.util.EnumMap;
import java.util.Map;

/**
 * The runs of both prompts of every pair without edits: what sweeps edit, and where patches and means come from.
 * Experiments with different metrics can share them. The model must stay open. Not thread-safe.
 */
public final class PairRuns {
    private final Gpt2 model;
    private final PromptPairs pairs;
    private final Map<Side, BaseRun> runs = new EnumMap<>(Side.class);
    /** Of sites that a run does not keep, as they are asked for. */
    private final Map<Side, Map<Site, ActivationSource>> recorded = new EnumMap<>(Side.class);

    private PairRuns(Gpt2 model, PromptPairs pairs) {
        this.model = model;
        this.pairs = pairs;
        for (Side side : Side.values()) {
            runs.put(side, BaseRun.record(model, side.prompts(pairs, model.config())));
            recorded.put(side, new EnumMap<>(Site.class));
        }
    }

    /**
     * Runs both prompts of every pair.
     *
     * @throws BadInputException if the runs do not fit the memory
     */
    public static PairRuns record(Gpt2 model, PromptPairs pairs) {
        return new PairRuns(model, pairs);
    }

    public Gpt2 model() {
        return model;
    }

    public Gpt2Config config() {
        return model.config();
    }

    public PromptPairs pairs() {
        return pairs;
    }

    /** The runs of one prompt of every pair, a sequence for each pair. */
    public BaseRun run(Side side) {
        return runs.get(side);
    }

    /**
     * A site's values in all layers in the runs of one prompt of every pair. Runs the model where the run does not keep
     * them, once for each site.
     */
    public ActivationSource recorded(Side side, Site site) {
        BaseRun run = run(side);
        if (run.holds(site)) {
            return run;
        }
        return recorded.get(side).computeIfAbsent(site, s -> {
            Capture capture = Capture.of(config(), s.localName());
            return ActivationCache.record(model, run.prompts(), capture).source();
        });
    }
}
