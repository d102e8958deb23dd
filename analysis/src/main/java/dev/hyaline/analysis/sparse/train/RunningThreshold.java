package dev.hyaline.analysis.sparse.train;

/** The threshold that a top-k autoencoder runs with later: it follows the least activation that is kept. */
final class RunningThreshold {
    private final Recipe.ThresholdRule rule;
    private final TrainedActivation activation;
    private double value;
    private boolean begun;

    RunningThreshold(Recipe recipe) {
        rule = recipe.threshold();
        activation = recipe.activation();
    }

    double value() {
        return value;
    }

    /** Returns whether a batch was followed yet. */
    boolean isBegun() {
        return begun;
    }

    /** Goes on from a checkpoint. */
    void resume(double reached, boolean wasBegun) {
        value = reached;
        begun = wasBegun;
    }

    /** Follows the latents of one batch. */
    void follow(Entries entries, Batch batch) {
        if (rule == Recipe.ThresholdRule.NONE || !(activation instanceof TrainedActivation.TrainedTopK top)) {
            return;
        }
        double least = Double.POSITIVE_INFINITY;
        double sum = 0;
        int counted = 0;
        for (int t = 0; t < batch.tokens(); t++) {
            double ofToken = Double.POSITIVE_INFINITY;
            for (int e = entries.offsets()[t]; e < entries.offsets()[t + 1]; e++) {
                double s = entries.f()[e] * (top.rescaled() ? batch.norms()[entries.latents()[e]] : 1);
                ofToken = s > 0 ? Math.min(ofToken, s) : ofToken;
            }
            least = Math.min(least, ofToken);
            if (ofToken != Double.POSITIVE_INFINITY) {
                sum += ofToken;
                counted++;
            }
        }
        if (counted == 0) {
            return;
        }
        double smallest = top.batch() ? least : sum / counted;
        if (rule == Recipe.ThresholdRule.SAELENS) {
            value = 0.99 * value + 0.01 * smallest;
        } else {
            value = begun ? 0.999 * value + 0.001 * smallest : smallest;
        }
        begun = true;
    }
}
