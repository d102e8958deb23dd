package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.Selection;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** A loss that only dead latents take part in: they reconstruct what the others left, which counts as constant. */
final class AuxiliaryLoss {
    private static final float[] NONE = {};

    private final Recipe recipe;
    private final Dictionary dictionary;
    private final ReconstructionLoss reconstruction;

    AuxiliaryLoss(Recipe recipe, Dictionary dictionary, ReconstructionLoss reconstruction) {
        this.recipe = recipe;
        this.dictionary = dictionary;
        this.reconstruction = reconstruction;
    }

    /**
     * What dead latents reconstruct.
     *
     * @param rest what the others left {@code [tokens, dOut]}
     */
    Optional<ReconstructionPath> path(Batch batch, float[] rest, LossSums sums) {
        int[] dead =
                IntStream.range(0, dictionary.n).filter(i -> batch.dead()[i]).toArray();
        if (recipe.auxiliary() == Recipe.Auxiliary.NONE || dead.length == 0) {
            return Optional.empty();
        }
        int half = Math.max(1, dictionary.dOut / 2);
        double share = Math.min((double) dead.length / half, 1);
        double factor = recipe.auxiliaryCoefficient()
                * switch (recipe.auxiliary()) {
                    case SAELENS -> share / batch.tokens();
                    case DICTIONARY_LEARNING, OPENAI -> 1 / reconstruction.variance(rest, batch.tokens());
                    case SPARSIFY -> share / reconstruction.variance(batch.y(), batch.tokens());
                    case NONE -> 0;
                };
        if (!Double.isFinite(factor)) {
            return Optional.empty(); // Nothing is left to reconstruct.
        }
        int k = Math.min(recipe.auxiliaryK() == 0 ? half : recipe.auxiliaryK(), dead.length);
        boolean rescaled = recipe.activation() instanceof TrainedActivation.TrainedTopK top && top.rescaled();
        float[] scale = rescaled ? Dictionary.gather(batch.norms(), 1, dead) : NONE;
        boolean positive = recipe.auxiliary() != Recipe.Auxiliary.SAELENS;
        Entries entries = dictionary.selectAmong(dead, batch, new Selection.Top(k, scale, positive));
        float[][] out = dictionary.decode(entries, batch.tokens(), entries.f(), List.of(), false);
        sums.auxiliary += reconstruction.gradient(out[0], rest, batch.tokens(), factor);
        // OpenAI adds the bias to both sides: it drops out of the error, but not out of the gradient.
        boolean biased = recipe.auxiliary() == Recipe.Auxiliary.OPENAI;
        return Optional.of(new ReconstructionPath(entries, out, Dictionary.OWN_NUMBERS, biased, false));
    }
}
