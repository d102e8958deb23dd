package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import java.nio.file.Path;

/** Values of a run that interventions take theirs from: a {@link BaseRun}, an {@link ActivationCache}, a dump. */
public interface ActivationSource {
    /** What a cache recorded. */
    static ActivationSource of(ActivationCache cache) {
        return RecordedTensors.ofCache(cache);
    }

    /**
     * What a dump holds, a folder that {@code hyaline dump} wrote, as one safetensors file or in shards. Values are
     * read when they are needed; the files of shards stay mapped until the program ends.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException if it is not such a dump
     */
    static ActivationSource dump(Path folder) {
        return DumpReader.open(folder);
    }

    /** What a store of dumped activations holds: its documents are the sequences. The store must stay open. */
    static ActivationSource of(ActivationStore store) {
        return new RecordedStore(store);
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
    void read(Slot place, float[] out);
}
