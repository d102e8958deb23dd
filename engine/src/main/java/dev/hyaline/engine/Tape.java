package dev.hyaline.engine;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.backward.KeptPass;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A forward pass that has been run, with what backward passes need: the residual stream before and between the halves
 * of each layer, and the values of points that the pass's probe changed. What else a backward pass needs it forms
 * again, with the same bits; a larger budget keeps more. Made by {@link Gpt2#record}; any number of backward passes may
 * go over it, from several threads at once.
 *
 * <p>A gradient has the same bits for any batch that its sequence shares, any budget and any number of threads, with
 * scalar and vector kernels. At positions that the scalar does not depend on it is exactly zero.
 */
public final class Tape {
    private final Gpt2 model;
    private final KeptPass kept;
    private final ForwardResult result;

    Tape(Gpt2 model, KeptPass kept, ForwardResult result) {
        this.model = model;
        this.kept = kept;
        this.result = result;
    }

    /** What the forward pass left. */
    public ForwardResult result() {
        return result;
    }

    /**
     * Goes back through the pass, from the gradient of a scalar with respect to what the pass left.
     *
     * @param gradient in the layout of the result: {@code [logit rows, columns]}, or of a pass that stops at a boundary
     *     {@code [tokens, dModel]}
     * @param probe is shown the gradient at each point that it wants, from the last to the first, with the shape of the
     *     values there; the pass goes on with what it leaves, so that one that writes zeros stops the gradient
     * @throws BadShapeException if the gradient does not have the result's length
     * @throws BadInputException if the forward pass was edited by a function that does not say how a gradient goes back
     *     through it
     */
    public void backward(float[] gradient, Probe probe) {
        run(gradient, probe, null);
    }

    /**
     * As {@link #backward(float[], Probe)}, and adds the gradient with respect to every parameter to sums. With tied
     * embeddings {@code wte.weight} has both its parts.
     *
     * @param sums of this model's configuration
     * @throws BadInputException if the forward pass was edited, did not run from the embedding to logits of the whole
     *     vocabulary, or the probe wants attention maps
     */
    public void backward(float[] gradient, Probe probe, ParameterGradients sums) {
        run(gradient, probe, sums::of);
    }

    private void run(float[] gradient, Probe probe, @Nullable Function<String, float[]> sums) {
        int expected = Math.max(result.logits().length, result.residual().length);
        if (gradient.length != expected) {
            throw new BadShapeException("gradient of the result", expected + " values", gradient.length + " values");
        }
        model.runBackward(kept, gradient, probe, sums);
    }

    /**
     * Bytes that a tape of a number of tokens keeps at least.
     *
     * @param tokens of the batch
     */
    public static long minBytes(Gpt2Config config, int tokens) {
        return (long) Float.BYTES * tokens * config.dModel() * (2L * config.nLayers() + 1);
    }

    /**
     * Bytes that a tape keeps if nothing is to be formed again but attention patterns.
     *
     * @param tokens of the batch
     */
    public static long maxBytes(Gpt2Config config, int tokens) {
        return minBytes(config, tokens)
                + (long) Float.BYTES * tokens * config.nLayers() * (3L * config.dModel() + config.dMlp());
    }

    /** Bytes of buffers that a backward pass needs, beside the tape and what its probe keeps. */
    public static long passBytes(Gpt2Config config, int tokens) {
        return (long) Float.BYTES * tokens * (14L * config.dModel() + 2L * config.dMlp() + 1);
    }

    /** The points to keep, at most so many bytes beyond the least. */
    static Set<HookPoint> points(Gpt2Config config, Plan plan, long budget) {
        Set<HookPoint> points = new LinkedHashSet<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            points.add(HookPoint.of(Site.RESID_PRE, layer));
            points.add(HookPoint.of(Site.RESID_MID, layer));
        }
        points.add(HookPoint.of(Site.RESID_POST, config.nLayers() - 1));
        long perValue = (long) Float.BYTES * plan.batch().rows();
        long left = budget - minBytes(config, plan.batch().rows());
        for (Site site : new Site[] {Site.MLP_PRE, Site.Q, Site.K, Site.V}) {
            for (int layer = config.nLayers() - 1; layer >= 0; layer--) {
                left -= perValue * site.shape().width(config);
                if (left < 0) {
                    return points;
                }
                points.add(HookPoint.of(site, layer));
            }
        }
        return points;
    }

    @Override
    public String toString() {
        return "a kept forward pass: " + result;
    }
}
