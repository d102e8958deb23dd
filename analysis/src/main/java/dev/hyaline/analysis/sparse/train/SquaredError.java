package dev.hyaline.analysis.sparse.train;

import java.util.Arrays;

/** The squared error of reconstructions as a recipe scales it, and its gradient. */
final class SquaredError {
    private final Recipe recipe;
    private final Dictionary dictionary;

    SquaredError(Recipe recipe, Dictionary dictionary) {
        this.recipe = recipe;
        this.dictionary = dictionary;
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
}
