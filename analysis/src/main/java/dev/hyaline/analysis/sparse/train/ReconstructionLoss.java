package dev.hyaline.analysis.sparse.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The squared error of everything that is reconstructed, and its gradient. */
final class ReconstructionLoss {
    private final Recipe recipe;
    private final Dictionary dictionary;
    private final TrainedLatents latents;
    private final AuxiliaryLoss auxiliary;

    ReconstructionLoss(Recipe recipe, Dictionary dictionary, TrainedLatents latents) {
        this.recipe = recipe;
        this.dictionary = dictionary;
        this.latents = latents;
        auxiliary = new AuxiliaryLoss(recipe, dictionary, this);
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
        double unit = unit(batch);
        float[] rest = new float[batch.tokens() * d];
        float[] last = outs[outs.length - 1];
        for (int i = 0; i < rest.length; i++) {
            rest[i] = batch.y()[i] - last[i];
            errors[i / d] += (double) rest[i] * rest[i];
        }
        for (int g = 0; g < outs.length; g++) {
            double weight =
                    recipe.prefixes().isEmpty() ? 1 : recipe.prefixWeights().get(g);
            sums.reconstruction += gradient(outs[g], batch.y(), batch.tokens(), weight * unit);
        }
        for (int g = outs.length - 2; g >= 0; g--) {
            add(outs[g], outs[g + 1], batch.tokens());
        }
        int[] ends = recipe.prefixes().stream().mapToInt(Integer::intValue).toArray();
        List<ReconstructionPath> paths = new ArrayList<>();
        paths.add(new ReconstructionPath(main, outs, ends, true, true));
        if (latents instanceof GatedLatents gated) {
            paths.add(gated.gatePath(main, batch, this, sums));
            return paths;
        }
        if (recipe.multiTopK()
                && latents instanceof TopKLatents top
                && recipe.activation() instanceof TrainedActivation.TrainedTopK choice) {
            Entries four = top.largest(batch, (int) (4 * choice.k()));
            float[][] out = dictionary.decode(four, batch.tokens(), four.f(), List.of(), true);
            dictionary.addSkip(batch, out);
            sums.auxiliary += gradient(out[0], batch.y(), batch.tokens(), unit / 8);
            paths.add(new ReconstructionPath(four, out, Dictionary.OWN_NUMBERS, true, true));
        }
        auxiliary.path(batch, rest, errors, sums).ifPresent(paths::add);
        return paths;
    }

    /** Returns whether dead latents have a loss of their own in a batch. */
    boolean hasAuxiliary(Batch batch) {
        return auxiliary.isIn(batch);
    }

    /** Factor of the summed squared error in the loss. */
    double unit(Batch batch) {
        return switch (recipe.reconstruction()) {
            case SQUARED_ERROR -> 1.0 / batch.tokens();
            case UNEXPLAINED_VARIANCE -> 1 / variance(batch.y(), batch.tokens());
            case MEAN -> recipe.reconstructionScale() / ((double) batch.tokens() * dictionary.dOut);
        };
    }

    /** Sum of squared distances of rows from their mean. */
    double variance(float[] rows, int tokens) {
        int d = dictionary.dOut;
        double[] mean = new double[d];
        for (int i = 0; i < tokens * d; i++) {
            mean[i % d] += rows[i];
        }
        double sum = 0;
        for (int i = 0; i < tokens * d; i++) {
            double difference = rows[i] - mean[i % d] / tokens;
            sum += difference * difference;
        }
        return sum;
    }

    /** Turns a reconstruction into the gradient of {@code factor |out - y|^2}, and returns that. */
    double gradient(float[] out, float[] y, int tokens, double factor) {
        int d = dictionary.dOut;
        double[] sums = new double[tokens];
        float twice = (float) (2 * factor);
        dictionary.pool.run(tokens, (worker, t) -> {
            double sum = 0;
            for (int i = t * d; i < (t + 1) * d; i++) {
                float e = out[i] - y[i];
                sum += (double) e * e;
                out[i] = twice * e;
            }
            sums[t] = sum;
        });
        return factor * Arrays.stream(sums).sum();
    }

    private void add(float[] inOut, float[] addend, int tokens) {
        int d = dictionary.dOut;
        dictionary.pool.run(tokens, (worker, t) -> dictionary.kernels.add(inOut, t * d, addend, t * d, d));
    }
}
