package dev.hyaline.analysis.sparse.train;

import java.util.ArrayList;
import java.util.List;

/** The squared error of everything that is reconstructed, and its gradient. */
final class ReconstructionLoss {
    private final Recipe recipe;
    private final Dictionary dictionary;
    private final TrainedLatents latents;
    private final SquaredError squaredError;
    private final AuxiliaryLoss auxiliary;

    ReconstructionLoss(Recipe recipe, Dictionary dictionary, TrainedLatents latents) {
        this.recipe = recipe;
        this.dictionary = dictionary;
        this.latents = latents;
        squaredError = new SquaredError(recipe, dictionary);
        auxiliary = new AuxiliaryLoss(recipe, dictionary, squaredError);
    }

    /**
     * Everything that is reconstructed in a step: first by the latents that fire, then by gates, by 4 k latents and by
     * dead ones where there are such.
     *
     * @param errors set to the squared error of each token
     */
    List<ReconstructionPath> paths(Entries main, Batch batch, double[] errors, LossSums sums) {
        int d = dictionary.dOut;
        float[][] outs = dictionary.decode(main, batch.tokens(), main.f(), recipe.prefixes(), true);
        dictionary.addSkip(batch, outs);
        double unit = squaredError.unit(batch);
        float[] rest = new float[batch.tokens() * d];
        float[] last = outs[outs.length - 1];
        for (int i = 0; i < rest.length; i++) {
            rest[i] = batch.y()[i] - last[i];
            errors[i / d] += (double) rest[i] * rest[i];
        }
        for (int g = 0; g < outs.length; g++) {
            double weight =
                    recipe.prefixes().isEmpty() ? 1 : recipe.prefixWeights().get(g);
            sums.reconstruction += squaredError.gradient(outs[g], batch.y(), batch.tokens(), weight * unit);
        }
        for (int g = outs.length - 2; g >= 0; g--) {
            add(outs[g], outs[g + 1], batch.tokens());
        }
        int[] ends = recipe.prefixes().stream().mapToInt(Integer::intValue).toArray();
        List<ReconstructionPath> paths = new ArrayList<>();
        paths.add(new ReconstructionPath(main, outs, ends, true, true));
        if (latents instanceof GatedLatents gated) {
            paths.add(gatePath(gated, main, batch, sums));
            return paths;
        }
        if (recipe.multiTopK()
                && latents instanceof TopKLatents top
                && recipe.activation() instanceof TrainedActivation.TrainedTopK choice) {
            Entries four = top.largest(batch, (int) (4 * choice.k()));
            float[][] out = dictionary.decode(four, batch.tokens(), four.f(), List.of(), true);
            dictionary.addSkip(batch, out);
            sums.auxiliary += squaredError.gradient(out[0], batch.y(), batch.tokens(), unit / 8);
            paths.add(new ReconstructionPath(four, out, Dictionary.OWN_NUMBERS, true, true));
        }
        auxiliary.path(batch, rest, errors, sums).ifPresent(paths::add);
        return paths;
    }

    /** Returns whether dead latents have a loss of their own in a batch. */
    boolean hasAuxiliary(Batch batch) {
        return auxiliary.isIn(batch);
    }

    /** The gate's own reconstruction. */
    private ReconstructionPath gatePath(GatedLatents gated, Entries main, Batch batch, LossSums sums) {
        Entries gates = gated.gates(main);
        float[][] out = dictionary.decode(gates, batch.tokens(), gates.f(), List.of(), true);
        sums.auxiliary += squaredError.gradient(out[0], batch.y(), batch.tokens(), squaredError.unit(batch));
        return new ReconstructionPath(gates, out, Dictionary.OWN_NUMBERS, !gated.isFrozen(), false);
    }

    private void add(float[] inOut, float[] addend, int tokens) {
        int d = dictionary.dOut;
        dictionary.pool.run(tokens, (worker, t) -> dictionary.kernels.add(inOut, t * d, addend, t * d, d));
    }
}
