package dev.hyaline.analysis.causal;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Intervention;
import dev.hyaline.instrument.Means;
import dev.hyaline.instrument.Target;
import java.util.function.Function;

/** What is put in the place of an activation that is taken away. */
public sealed interface Ablation {
    /** In words, with everything that the result depends on. */
    String description();

    Intervention of(Target target);

    /** Zeros. */
    record ZeroAblation() implements Ablation {
        @Override
        public String description() {
            return "zero";
        }

        @Override
        public Intervention of(Target target) {
            return Intervention.zero(target);
        }
    }

    /** The mean over the experiment's clean prompts, or whatever the reference holds. */
    record MeanAblation(Function<Site, Means> means, String description) implements Ablation {
        @Override
        public Intervention of(Target target) {
            return Intervention.mean(target, means.apply(target.site()));
        }
    }

    /** What another prompt of the reference has there, drawn with a seed. */
    record ResampleAblation(Function<Site, ActivationSource> reference, long seed) implements Ablation {
        @Override
        public String description() {
            return "resample, seed " + seed;
        }

        @Override
        public Intervention of(Target target) {
            return Intervention.resample(target, reference.apply(target.site()), seed);
        }
    }

    /** Itself and normal noise. */
    record NoiseAblation(float deviation, long seed) implements Ablation {
        @Override
        public String description() {
            return "noise of deviation " + deviation + ", seed " + seed;
        }

        @Override
        public Intervention of(Target target) {
            return Intervention.noise(target, deviation, seed);
        }
    }

    static Ablation zero() {
        return new ZeroAblation();
    }

    /** The mean over an experiment's clean prompts, position by position. */
    static Ablation meanByPosition(Experiment experiment) {
        return new MeanAblation(
                site -> Means.byPosition(experiment.recorded(Side.CLEAN, site)),
                "mean over the clean prompts by position");
    }

    /** The mean over all positions of an experiment's clean prompts. */
    static Ablation mean(Experiment experiment) {
        return new MeanAblation(
                site -> Means.overall(experiment.recorded(Side.CLEAN, site)), "mean over the clean prompts");
    }

    /** What one of the corrupted prompts has. */
    static Ablation resample(Experiment experiment, long seed) {
        return new ResampleAblation(site -> experiment.recorded(Side.CORRUPTED, site), seed);
    }

    /**
     * Added normal noise.
     *
     * @throws BadInputException if the deviation is negative or not finite
     */
    static Ablation noise(float deviation, long seed) {
        return new NoiseAblation(deviation, seed);
    }
}
