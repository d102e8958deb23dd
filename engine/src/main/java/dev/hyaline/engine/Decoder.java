package dev.hyaline.engine;

import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.KeyValues;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.site.Probe;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;

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

    private Decoder(Gpt2 model, Batch batch, Plan plan, float[] logits) {
        this.model = model;
        this.batch = batch;
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
        int count = caches.size();
        if (count == 0) {
            throw new BadInputException("a decoder needs at least one cache, found none");
        }
        KeyValues[] past = caches.stream().map(KvCache::keyValues).toArray(KeyValues[]::new);
        if (new HashSet<>(List.of(past)).size() < count) {
            throw new BadInputException("two sequences of a decoder cannot append to the same cache");
        }
        boolean[] append = new boolean[count];
        for (int s = 0; s < count; s++) {
            model.requireReadable(past[s], s);
            append[s] = true;
        }
        int[] rows = IntStream.range(0, count).toArray();
        int[] firstRow = IntStream.rangeClosed(0, count).toArray();
        Batch batch = new Batch(new int[count], firstRow, new int[count], past, append);
        int layers = model.config().nLayers();
        Plan plan = new Plan(batch, null, null, null, 0, 2 * layers, false, rows, null, probe);
        return new Decoder(model, batch, plan, plan.room(model.config()));
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
            model.requireToken(tokens[s], s);
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
}
