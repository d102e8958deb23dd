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
    private final SideRun clean;
    private final SideRun corrupted;

    /** @param recorded of sites that the run does not keep, as they are asked for */
    private record SideRun(BaseRun run, Map<Site, ActivationSource> recorded) {
        static SideRun record(Gpt2 model, PromptPairs pairs, Side side) {
            return new SideRun(BaseRun.record(model, side.prompts(pairs, model.config())), new EnumMap<>(Site.class));
        }
    }

    private PairRuns(Gpt2 model, PromptPairs pairs) {
        this.model = model;
        this.pairs = pairs;
        clean = SideRun.record(model, pairs, Side.CLEAN);
        corrupted = SideRun.record(model, pairs, Side.CORRUPTED);
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
        return of(side).run();
    }

    private SideRun of(Side side) {
        return switch (side) {
            case CLEAN -> clean;
            case CORRUPTED -> corrupted;
        };
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
        return of(side).recorded().computeIfAbsent(site, s -> {
            Capture capture = Capture.of(config(), s.localName());
            return ActivationCache.record(model, run.prompts(), capture).source();
        });
    }

    @Override
    public String toString() {
        return "clean and corrupted runs of " + pairs;
    }
}
