package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.Selection;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** A loss that only dead latents take part in: they reconstruct what the others left, which counts as constant. */
final class AuxiliaryLoss {
    private static final float[] NONE = {};

    private final Recipe recipe;
    private final Dictionary dictionary;
    private final SquaredError squaredError;

    AuxiliaryLoss(Recipe recipe, Dictionary dictionary, SquaredError squaredError) {
        this.recipe = recipe;
        this.dictionary = dictionary;
        this.squaredError = squaredError;
    }

    /** Returns whether a batch has such a loss. */
    boolean isIn(Batch batch) {
        return recipe.auxiliary() != Recipe.Auxiliary.NONE && dead(batch).length > 0;
    }

    private int[] dead(Batch batch) {
        return IntStream.range(0, dictionary.n).filter(i -> batch.dead()[i]).toArray();
    }

    /**
     * The reconstruction by dead latents.
     *
     * @param rest what the others left {@code [tokens, dOut]}
     * @param errors its squared length, token by token
     */
    Optional<ReconstructionPath> path(Batch batch, float[] rest, double[] errors, LossSums sums) {
        if (!isIn(batch)) {
            return Optional.empty();
        }
        int[] dead = dead(batch);
        if (recipe.auxiliary() == Recipe.Auxiliary.GHOST) {
            return Optional.of(ghosts(dead, batch, rest, errors, sums));
        }
        int half = Math.max(1, dictionary.dOut / 2);
        double share = Math.min((double) dead.length / half, 1);
        double factor = recipe.auxiliaryCoefficient()
                * switch (recipe.auxiliary()) {
                    case SAELENS -> share / batch.tokens();
                    case DICTIONARY_LEARNING, OPENAI -> 1 / squaredError.variance(rest, batch.tokens());
                    case SPARSIFY -> share / squaredError.variance(batch.y(), batch.tokens());
                    case NONE, GHOST -> 0;
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
        sums.auxiliary += squaredError.gradient(out[0], rest, batch.tokens(), factor);
        // OpenAI adds the bias to both sides: it drops out of the error, but not out of the gradient.
        boolean biased = recipe.auxiliary() == Recipe.Auxiliary.OPENAI;
        return Optional.of(new ReconstructionPath(entries, out, Dictionary.OWN_NUMBERS, biased, false));
    }

    private ReconstructionPath ghosts(int[] dead, Batch batch, float[] rest, double[] errors, LossSums sums) {
        float[] cuts = new float[dead.length];
        Arrays.fill(cuts, Float.NEGATIVE_INFINITY);
        Entries entries = dictionary.selectAmong(dead, batch, new Selection.Above(cuts));
        entries.each(dictionary.pool, (e, i) -> entries.f()[e] = (float) Math.exp(entries.z()[e]));
        float[][] out = dictionary.decode(entries, batch.tokens(), entries.f(), List.of(), false);
        int d = dictionary.dOut;
        double[] losses = new double[batch.tokens()];
        dictionary.pool.run(batch.tokens(), (worker, t) -> {
            int at = t * d;
            double length = Math.sqrt(Dictionary.squares(out[0], at, d));
            double scale = Math.sqrt(errors[t]) / (1e-6 + 2 * length);
            double squares = 0;
            for (int c = at; c < at + d; c++) {
                double e = scale * out[0][c] - rest[c];
                squares += e * e;
            }
            double weight = recipe.auxiliaryCoefficient() * errors[t] / (squares + 1e-6) / batch.tokens();
            for (int c = at; c < at + d; c++) {
                out[0][c] = (float) (2 * weight * scale * (scale * out[0][c] - rest[c]));
            }
            losses[t] = weight * squares;
        });
        sums.auxiliary += Arrays.stream(losses).sum();
        return new ReconstructionPath(entries, out, Dictionary.OWN_NUMBERS, false, false).ofExponentials();
    }
}
