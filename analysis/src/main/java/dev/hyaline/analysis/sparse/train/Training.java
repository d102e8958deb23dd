package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.function.Consumer;

/**
 * Everything that a run of training depends on besides its data. Immutable; each method returns a changed copy.
 *
 * @param latents number of latents
 * @param skip whether a transcoder has a linear path around its latents
 * @param steps number of batches
 * @param batch tokens of a batch
 * @param decoderLength length of the decoder's rows at the start; the encoder is its transpose
 * @param normalized whether activations are multiplied by one factor that brings their mean length to the root of their
 *     width; transcoders have none
 * @param deadAfter tokens without firing after which a latent is dead
 * @param resampledAt steps before which dead latents begin anew
 */
public record Training(
        int latents,
        boolean skip,
        Recipe recipe,
        Schedule schedule,
        long steps,
        int batch,
        long seed,
        Initialization.Bias bias,
        double decoderLength,
        boolean normalized,
        long deadAfter,
        List<Long> resampledAt) {
    public Training {
        resampledAt = List.copyOf(resampledAt);
        if (latents < 1 || steps < 1 || batch < 1) {
            throw new BadInputException("training needs at least one latent, step and token a batch, found " + latents
                    + ", " + steps + " and " + batch);
        }
        if (schedule.warmUp() + schedule.decay() > steps) {
            throw new BadInputException("warm-up and decay take " + (schedule.warmUp() + schedule.decay())
                    + " steps, but there are " + steps);
        }
        if (!(decoderLength > 0)) {
            throw new BadInputException("decoder rows must begin with a length above 0, found " + decoderLength);
        }
        if (!recipe.prefixes().isEmpty() && recipe.prefixes().getLast() != latents) {
            throw new BadInputException("the last prefix must have all " + latents + " latents, found "
                    + recipe.prefixes().getLast());
        }
    }

    /**
     * Defaults that work at the width of GPT-2 small and below: decoder rows of length .1, activations normalised,
     * latents dead after 1,000 batches.
     */
    public static Training of(int latents, Recipe recipe, Schedule schedule, long steps, int batch) {
        boolean unit = recipe.optimizer().decoder() != Recipe.DecoderRule.FREE;
        return new Training(
                latents,
                false,
                recipe,
                schedule,
                steps,
                batch,
                1,
                Initialization.Bias.ZERO,
                unit ? 1 : 0.1,
                true,
                1000L * batch,
                List.of());
    }

    public Training seed(long other) {
        return with(draft -> draft.seed = other);
    }

    public Training withSkip() {
        return with(draft -> draft.skip = true);
    }

    public Training bias(Initialization.Bias other) {
        return with(draft -> draft.bias = other);
    }

    public Training normalized(boolean isNormalized) {
        return with(draft -> draft.normalized = isNormalized);
    }

    public Training deadAfter(long tokens) {
        return with(draft -> draft.deadAfter = tokens);
    }

    public Training resampledAt(List<Long> before) {
        return with(draft -> draft.resampledAt = before);
    }

    /** The fields of a copy that is about to be made. */
    private static final class Draft {
        private int latents;
        private boolean skip;
        private Recipe recipe;
        private Schedule schedule;
        private long steps;
        private int batch;
        private long seed;
        private Initialization.Bias bias;
        private double decoderLength;
        private boolean normalized;
        private long deadAfter;
        private List<Long> resampledAt;

        Draft(Training from) {
            latents = from.latents;
            skip = from.skip;
            recipe = from.recipe;
            schedule = from.schedule;
            steps = from.steps;
            batch = from.batch;
            seed = from.seed;
            bias = from.bias;
            decoderLength = from.decoderLength;
            normalized = from.normalized;
            deadAfter = from.deadAfter;
            resampledAt = from.resampledAt;
        }

        Training copy() {
            return new Training(
                    latents,
                    skip,
                    recipe,
                    schedule,
                    steps,
                    batch,
                    seed,
                    bias,
                    decoderLength,
                    normalized,
                    deadAfter,
                    resampledAt);
        }
    }

    private Training with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.copy();
    }
}
