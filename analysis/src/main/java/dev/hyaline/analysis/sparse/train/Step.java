package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A step of training: loss, gradient and the optimizer's move for one batch. After the encoder's product everything is
 * done on the latents that fire: by token where a token is decoded, by latent where a latent's gradient is summed, each
 * in a fixed order, so that the bits depend on the batch alone and on no thread.
 */
final class Step {
    private final Recipe recipe;
    private final Dictionary dictionary;
    private final TrainedLatents latents;
    private final ReconstructionLoss reconstruction;
    private final LatentGradients latentGradients;
    private final SharedGradients sharedGradients;
    private final AdamUpdate update;
    private final RunningThreshold threshold;
    /** Whole products in place of sums, where there are such. */
    private final @Nullable DenseRelu dense;

    /** Share of latents above which whole products are faster than sums over those that fire. */
    private double denseAbove = 0.08;

    /** Share of latents that fired in the last step; all before the first. */
    double firingShare = 1;

    private double[] errors = {};
    private int[] fired = {};

    Step(Recipe recipe, Weights weights, int sites, boolean subtracts, Kernels kernels, WorkerPool pool) {
        this.recipe = recipe;
        dictionary = new Dictionary(weights, sites, subtracts, kernels, pool);
        latents = latents(recipe.activation(), dictionary);
        reconstruction = new ReconstructionLoss(recipe, dictionary, latents);
        latentGradients = new LatentGradients(recipe.optimizer(), dictionary, latents);
        sharedGradients = new SharedGradients(dictionary);
        update = new AdamUpdate(recipe.optimizer(), dictionary);
        threshold = new RunningThreshold(recipe);
        dense = latents instanceof ReluLatents relu
                ? new DenseRelu(relu, dictionary, new SquaredError(recipe, dictionary), latentGradients)
                : null;
    }

    private static TrainedLatents latents(TrainedActivation activation, Dictionary dictionary) {
        return switch (activation) {
            case TrainedActivation.PenalizedRelu relu -> new ReluLatents(relu, dictionary);
            case TrainedActivation.AnnealedRelu relu -> new AnnealedLatents(relu, dictionary);
            case TrainedActivation.PenalizedGate gated -> new GatedLatents(gated, dictionary);
            case TrainedActivation.TrainedTopK top -> new TopKLatents(top, dictionary);
            case TrainedActivation.TrainedJump jump -> new JumpLatents(jump, dictionary);
        };
    }

    AdamUpdate update() {
        return update;
    }

    /** The penalty's annealing, where there is one. */
    Optional<AnnealedLatents> annealing() {
        return latents instanceof AnnealedLatents annealed ? Optional.of(annealed) : Optional.empty();
    }

    RunningThreshold threshold() {
        return threshold;
    }

    /**
     * Sets the share of latents above which whole products are used; which of the two is used changes no more than
     * rounding.
     */
    void denseAbove(double share) {
        denseAbove = share;
    }

    /** Takes note that the encoder's values were changed from outside. */
    void changed() {
        dictionary.changed();
    }

    /** The squared error of each token; the running threshold does not follow these. */
    double[] errors(float[] x, float[] y, int tokens) {
        double reached = threshold.value();
        boolean begun = threshold.isBegun();
        backward(x, y, tokens, new boolean[dictionary.n], 1);
        threshold.resume(reached, begun);
        return errors;
    }

    /** Number of tokens of the last batch that fired each latent. */
    int[] fired() {
        return fired;
    }

    /**
     * Computes the loss and its gradient.
     *
     * @param x inputs {@code [tokens, dIn]}
     * @param y what is to be reconstructed {@code [tokens, dOut]}
     * @param dead which latents count as dead
     * @param warmth share of the penalty's coefficient
     */
    Losses backward(float[] x, float[] y, int tokens, boolean[] dead, double warmth) {
        double penalty = recipe.activation().coefficient() * warmth;
        Batch batch = new Batch(
                tokens, x, y, dictionary.encoderInputs(x, tokens), dead, dictionary.norms(), penalty, update.updates());
        LossSums sums = new LossSums();
        errors = new double[tokens];
        fired = new int[dictionary.n];
        boolean whole = isWhole(tokens) && !reconstruction.hasAuxiliary(batch);
        List<ReconstructionPath> paths =
                dense != null && whole ? List.of(dense.run(batch, errors, fired, sums)) : sparse(batch, sums);
        firingShare = sums.l0 / dictionary.n;
        sharedGradients.of(paths, batch, latentGradients.preActivationSums());
        double norm = Math.sqrt(latentGradients.squares() + sharedGradients.squares());
        threshold.follow(paths.getFirst().entries(), batch);
        return sums.losses(norm);
    }

    /** Returns whether so many tokens are worth whole products. */
    private boolean isWhole(int tokens) {
        return dense != null && firingShare > denseAbove && dense.isPossible(tokens);
    }

    /** Everything by sums over the latents that fire. */
    private List<ReconstructionPath> sparse(Batch batch, LossSums sums) {
        if (dense != null) {
            dense.forget();
        }
        Entries entries = latents.encode(batch);
        List<ReconstructionPath> paths = reconstruction.paths(entries, batch, errors, sums);
        penalties(entries, batch, sums);
        latentGradients.of(paths, batch, sums.l0);
        for (int e = 0; e < entries.count(); e++) {
            fired[entries.latents()[e]] += entries.f()[e] != 0 ? 1 : 0;
        }
        return paths;
    }

    /** The penalties' values, and L0. */
    private void penalties(Entries entries, Batch batch, LossSums sums) {
        int tokens = batch.tokens();
        double[] penalties = new double[tokens];
        double[] pulls = new double[tokens];
        int[] counts = new int[tokens];
        dictionary.pool.run(tokens, (worker, t) -> {
            for (int e = entries.offsets()[t]; e < entries.offsets()[t + 1]; e++) {
                int i = entries.latents()[e];
                counts[t] += entries.f()[e] != 0 ? 1 : 0;
                penalties[t] += latents.penalty(batch, i, entries.z()[e], entries.f()[e]);
                pulls[t] += latents.pull(batch, i, entries.z()[e]);
            }
        });
        sums.l0 = (double) Arrays.stream(counts).asLongStream().sum() / tokens;
        sums.sparsity += latents.sparsity(batch, Arrays.stream(penalties).sum() / tokens, sums.l0);
        sums.auxiliary += latents.pullCoefficient() * Arrays.stream(pulls).sum() / tokens;
    }

    /** Moves the parameters along the gradient, at a learning rate. */
    void move(double rate) {
        double norm = Math.sqrt(latentGradients.projectedSquares() + sharedGradients.squares());
        update.move(rate, norm, !isWhole(errors.length));
    }
}
