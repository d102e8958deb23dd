package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.site.Probe;
import java.util.List;

/**
 * Sequences that continue together, one token each a step. Everything a step needs is kept from step to step, so that
 * it allocates nothing but room in the caches, and not even that after {@link KvCache#reserve}. Logits equal those of
 * full passes over the same tokens, bit for bit.
 *
 * <p>Not thread-safe; the caches must not be appended to elsewhere during a step.
 */
public final class Decoder {
    private final Gpt2 model;
    private final Batch batch;
    private final Plan plan;
    private final float[] logits;

    private Decoder(Gpt2 model, Plan plan, float[] logits) {
        this.model = model;
        this.batch = plan.batch();
        this.plan = plan;
        this.logits = logits;
    }

    /** As {@link #of(Gpt2, List, Probe)}, nobody watching. */
    public static Decoder of(Gpt2 model, List<KvCache> caches) {
        return of(model, caches, Probe.NONE);
    }

    /**
     * Continues the sequences whose keys and values are in {@code caches}.
     *
     * @param probe watches every step
     * @throws BadInputException if there is no cache, one appears twice, or one is of a model with another
     *     configuration
     */
    public static Decoder of(Gpt2 model, List<KvCache> caches, Probe probe) {
        Plan plan = model.planner().planSteps(caches, probe);
        return new Decoder(model, plan, plan.newResult(model.config()));
    }

    /** Number of sequences. */
    public int sequences() {
        return batch.sequences();
    }

    /**
     * Appends one token to each sequence.
     *
     * @return the logits after each, {@code [sequences, dVocab]}, in an array that the next step writes again
     * @throws BadInputException if there is not one token a sequence, one is outside the vocabulary, or a sequence has
     *     no position left; no cache has changed then
     */
    public float[] step(int... tokens) {
        if (tokens.length != sequences()) {
            throw new BadInputException(
                    "a step needs one token for each of " + sequences() + " sequences, found " + tokens.length);
        }
        for (int s = 0; s < tokens.length; s++) {
            model.planner().requireToken(tokens[s], s);
            int position = batch.past()[s].length();
            if (position >= model.config().nCtx()) {
                throw new BadInputException("the model has " + model.config().nCtx() + " positions, and sequence " + s
                        + " has filled them");
            }
            batch.tokens()[s] = tokens[s];
            batch.start()[s] = position;
        }
        model.run(plan, logits);
        return logits;
    }

    @Override
    public String toString() {
        return "decoder on " + model;
    }
}
