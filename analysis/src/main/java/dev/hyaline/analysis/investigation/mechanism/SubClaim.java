package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.investigation.ClaimFinding.ClaimDirection;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import java.util.function.ToDoubleFunction;

/** One thing that must hold of a mechanism. */
public sealed interface SubClaim {
    /** The name in tables. */
    String name();

    /** The sub-claim in a sentence, with its number. */
    String sentence();

    /**
     * Numbers by prompt.
     *
     * @param units which prompts were drawn together
     */
    record Sample(double[] values, Units units) {
        /** @throws BadInputException if there is not one value per prompt */
        public Sample {
            if (values.length != units.prompts()) {
                throw new BadInputException(
                        "there are " + values.length + " values of " + units.prompts() + " prompts; each needs one");
            }
        }

        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /** Measures prompts. */
    @FunctionalInterface
    interface Measure {
        Sample of(MechanismStudy study);
    }

    /**
     * A mean over prompts has at least a size, or is smaller than it to either side.
     *
     * @param bound gives the size in the unit of the values
     * @param measure gives values turned so that the predicted direction is positive
     */
    record OfPrompts(
            String name,
            String sentence,
            ClaimDirection direction,
            ToDoubleFunction<MechanismStudy> bound,
            Measure measure)
            implements SubClaim {}

    /** Gives a number and those of controls. */
    @FunctionalInterface
    interface RankMeasure {
        Ranked of(MechanismStudy study);
    }

    /** A number and those of controls. */
    record Ranked(double observed, double[] controls) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * A number exceeds those of controls.
     *
     * @param largestP the rank p up to which it does
     */
    record OfRank(String name, String sentence, double largestP, RankMeasure measure) implements SubClaim {}

    /** A mean over prompts is at least so large. */
    static SubClaim atLeast(String name, String sentence, double bound, Measure measure) {
        return new OfPrompts(name, sentence, ClaimDirection.AT_LEAST, study -> bound, measure);
    }

    /** A mean over prompts lies within a distance of 0. */
    static SubClaim noEffect(String name, String sentence, double bound, Measure measure) {
        return new OfPrompts(name, sentence, ClaimDirection.NO_EFFECT, study -> bound, measure);
    }
}
