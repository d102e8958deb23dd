package dev.hyaline.instrument.gradient;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Tape;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.NamedTensors;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.TokenRows;
import dev.hyaline.instrument.internal.Batches;
import java.util.List;

/**
 * Gradients of an objective at the points of a capture, for each prompt of its own scalar, in memory and seen as an
 * {@link ActivationCache} sees values. Immutable once made.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="gradients"}
 *
 * <p>The gradient at a site is the sum over all that reads the value; sites that exist on demand hold the share of one
 * reader. A site that the objective does not depend on holds zeros.
 */
public final class Gradients implements NamedTensors {
    private final ActivationCache cache;

    private Gradients(ActivationCache cache) {
        this.cache = cache;
    }

    /**
     * Runs prompts forward and back, and keeps what the capture names.
     *
     * @throws BadInputException as {@link ActivationCache#record(Gpt2, Prompts, Capture)}
     */
    public static Gradients of(Gpt2 model, Prompts prompts, Objective objective, Capture capture) {
        return of(model, prompts, capture, GradientPass.of(model, prompts, objective));
    }

    /** As {@link #of(Gpt2, Prompts, Objective, Capture)}, of passes with edits or stops. */
    public static Gradients of(Gpt2 model, Prompts prompts, Capture capture, GradientPass pass) {
        return new Gradients(ActivationCache.record(model, prompts, capture, pass));
    }

    /**
     * Bytes that passes over prompts need at once beside the gradients kept ({@link Capture#bytes}) and the weights:
     * the least a tape keeps and the buffers of both passes, their logits and attention maps apart.
     */
    public static long passBytes(Gpt2Config config, Prompts prompts) {
        long[] most = {0};
        Batches.run(prompts.size(), prompts::length, (first, end) -> {
            int tokens = 0;
            for (int s = first; s < end; s++) {
                tokens += prompts.length(s);
            }
            most[0] = Math.max(
                    most[0],
                    Tape.minBytes(config, tokens) + Tape.passBytes(config, tokens) + Gpt2.passBytes(config, tokens));
        });
        return most[0];
    }

    @Override
    public List<HookPoint> points() {
        return cache.points();
    }

    /** The recorded tokens, sequence after sequence. */
    public TokenRows rows() {
        return cache.rows();
    }

    @Override
    public int sequences() {
        return cache.sequences();
    }

    /** Tokens in a sequence. */
    public int length(int sequence) {
        return cache.length(sequence);
    }

    /** Shape of a point's gradient for one sequence, as {@link Capture#shape} says. */
    public List<Integer> shape(HookPoint point, int sequence) {
        return cache.shape(point, sequence);
    }

    /**
     * A copy of the gradient at a point for one sequence, row-major in its {@link #shape}.
     *
     * @throws BadInputException if the point was not recorded
     */
    public float[] values(HookPoint point, int sequence) {
        return cache.values(point, sequence);
    }

    /**
     * A copy of the gradient at the one hook point that a name means: canonical, short or with its layer.
     *
     * @param name as {@link HookPoints} reads it, such as {@code blocks.3.attn.hook_z} or {@code z3}
     * @throws BadInputException if it means no point or several, or the point was not recorded
     */
    public float[] values(String name, int sequence) {
        return cache.values(name, sequence);
    }

    /** A view of the gradient at a point for one sequence; nothing is copied. */
    @Override
    public Tensor get(HookPoint point, int sequence) {
        return cache.get(point, sequence);
    }

    /** A copy of the gradient at a point for one token; attention maps have no such row. */
    public float[] row(HookPoint point, int sequence, int position) {
        return cache.row(point, sequence, position);
    }

    /**
     * A site's gradients in every layer it was recorded in, for one sequence, row-major: {@code [layers, ...]} followed
     * by {@link #shape}.
     */
    public float[] stack(Site site, int sequence) {
        return cache.stackActivation(site, sequence);
    }

    /** The choice of what was recorded. */
    public Capture capture() {
        return cache.capture();
    }

    /** Bytes the gradients take. */
    public long bytes() {
        return cache.bytes();
    }

    /** The points and shapes of the gradients. */
    @Override
    public String toString() {
        return "gradients, as " + cache;
    }
}
