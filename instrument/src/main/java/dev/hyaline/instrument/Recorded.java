package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.HookPoint;

/** Values of a run that interventions take theirs from: a {@link Run} or an {@link ActivationCache}. */
public interface Recorded {
    /** What a cache recorded. */
    static Recorded of(ActivationCache cache) {
        return new RecordedCache(cache);
    }

    /** Number of sequences. */
    int sequences();

    /** Tokens in a sequence. */
    int length(int sequence);

    /** Whether a point's values at a position of a sequence are held. */
    boolean holds(HookPoint point, int sequence, int position);

    /**
     * Copies the values of a place: of one head where the site has heads, of an attention map the keys up to the query.
     *
     * @throws BadInputException if they are not held
     */
    void read(Place place, float[] out);
}
