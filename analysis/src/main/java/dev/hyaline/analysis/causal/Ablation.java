package dev.hyaline.analysis.causal;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import java.util.function.Function;

/** A replacement for an activation that is taken away. */
public sealed interface Ablation {
    /** In words, with everything that the result depends on. */
    String description();

    /** The intervention that ablates a target in one of the clean runs. */
    Intervention intervention(Target target, PairRuns runs);

    /** The values of the pair's corrupted prompt. */
    record CounterfactualAblation() implements Ablation {
        @Override
        public String description() {
            return "counterfactual";
        }

        @Override
        public Intervention intervention(Target target, PairRuns runs) {
            return Intervention.patch(target, runs.recorded(Side.CORRUPTED, target.site()));
        }
    }

    /** Zeros. */
    record ZeroAblation() implements Ablation {
        @Override
        public String description() {
            return "zero";
        }

        @Override
        public Intervention intervention(Target target, PairRuns runs) {
            return Intervention.zero(target);
        }
    }

    /** A mean over the clean prompts, position by position or over all. */
    record MeanAblation(boolean byPosition) implements Ablation {
        @Override
        public String description() {
            return "mean over the clean prompts" + (byPosition ? " by position" : "");
        }

        @Override
        public Intervention intervention(Target target, PairRuns runs) {
            ActivationSource clean = runs.recorded(Side.CLEAN, target.site());
            return Intervention.mean(target, byPosition ? Means.byPosition(clean) : Means.overall(clean));
        }
    }

    /**
     * A mean over a reference of one's own.
     *
     * @param means by site
     * @param description of the reference; what tells two of them apart in a sweep's journal
     */
    record ReferenceMeanAblation(Function<Site, Means> means, String description) implements Ablation {
        @Override
        public Intervention intervention(Target target, PairRuns runs) {
            return Intervention.mean(target, means.apply(target.site()));
        }
    }

    /** The values of one of the corrupted prompts, drawn with a seed. */
    record ResampleAblation(long seed) implements Ablation {
        @Override
        public String description() {
            return "resample, seed " + seed;
        }

        @Override
        public Intervention intervention(Target target, PairRuns runs) {
            return Intervention.resample(target, runs.recorded(Side.CORRUPTED, target.site()), seed);
        }
    }

    /** The activation itself and normal noise. */
    record NoiseAblation(float deviation, long seed) implements Ablation {
        @Override
        public String description() {
            return "noise of deviation " + deviation + ", seed " + seed;
        }

        @Override
        public Intervention intervention(Target target, PairRuns runs) {
            return Intervention.noise(target, deviation, seed);
        }
    }

    /** The values that the pair's corrupted prompt has at the same position. */
    static Ablation counterfactual() {
        return new CounterfactualAblation();
    }

    /**
     * Zeros. Of {@code attn_scores}, only the scores of keys that a query may see become zero: the causal mask stays,
     * so that attention spreads evenly over those keys. A TransformerLens hook that zeroes {@code hook_attn_scores}
     * acts after the mask and lets queries see later keys.
     */
    static Ablation zero() {
        return new ZeroAblation();
    }

    /** The mean over the clean prompts, position by position. */
    static Ablation meanByPosition() {
        return new MeanAblation(true);
    }

    /** The mean over all positions of the clean prompts. */
    static Ablation mean() {
        return new MeanAblation(false);
    }

    /**
     * A mean over a reference of one's own.
     *
     * @param description in words, which tell the reference from others
     * @param means by site
     */
    static Ablation mean(String description, Function<Site, Means> means) {
        return new ReferenceMeanAblation(means, description);
    }

    /** The values of one of the corrupted prompts, drawn with a seed. */
    static Ablation resample(long seed) {
        return new ResampleAblation(seed);
    }

    /**
     * Added normal noise.
     *
     * @throws BadInputException if the deviation is negative or not finite, when the ablation is measured
     */
    static Ablation noise(float deviation, long seed) {
        return new NoiseAblation(deviation, seed);
    }
}
