package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.internal.kernel.AdamStep;
import dev.hyaline.engine.internal.kernel.PackedMatrix;

/**
 * Moves the parameters along their gradient, clipped as a whole, and keeps decoder rows at the length they must have.
 */
final class AdamUpdate {
    private final Recipe.Optimizer optimizer;
    private final Dictionary dictionary;
    private int updates;

    AdamUpdate(Recipe.Optimizer optimizer, Dictionary dictionary) {
        this.optimizer = optimizer;
        this.dictionary = dictionary;
    }

    /** Updates so far. */
    int updates() {
        return updates;
    }

    /** Goes on after so many updates. */
    void resume(int done) {
        updates = done;
    }

    /**
     * Moves the parameters.
     *
     * @param norm length of the gradient, all parameters together
     * @param packing whether the next step multiplies by the packed encoder, so that it is packed while it is at hand
     */
    void move(double rate, double norm, boolean packing) {
        updates++;
        double scale = optimizer.clip() > 0 ? Math.min(1, optimizer.clip() / (norm + 1e-6)) : 1;
        AdamStep step = new AdamStep(
                (float) rate,
                (float) optimizer.beta1(),
                (float) optimizer.beta2(),
                (float) (1 / (1 - Math.pow(optimizer.beta1(), updates))),
                (float) (1 / (1 - Math.pow(optimizer.beta2(), updates))),
                (float) optimizer.eps(),
                (float) scale,
                1);
        dictionary.w.all().forEach((name, p) -> {
            if (!name.equals(Weights.ENCODER) && !name.equals(Weights.DECODER)) {
                move(p, 0, p.value.length, step);
            }
        });
        Weights.Parameter rows = dictionary.w.get(Weights.ENCODER);
        Weights.Parameter decoder = dictionary.w.get(Weights.DECODER);
        dictionary.pool.run(dictionary.panels(), (worker, panel) -> {
            int first = panel * PackedMatrix.PANEL;
            int count = dictionary.columns(panel);
            move(rows, first * dictionary.dIn, count * dictionary.dIn, step);
            move(decoder, first * dictionary.dOut, count * dictionary.dOut, step);
            if (optimizer.decoder() == Recipe.DecoderRule.UNIT) {
                for (int i = first; i < first + count; i++) {
                    dictionary.normalize(i);
                }
            }
            if (packing) {
                dictionary.repack(panel);
            }
        });
        if (!packing) {
            dictionary.changed();
        }
    }

    private void move(Weights.Parameter p, int at, int count, AdamStep step) {
        dictionary.gradients.adam(p.value, p.m, p.v, at, p.gradient, at, count, step);
    }
}
