package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.BackendUnavailableException;
import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.List;

/**
 * What carries out the steps of a {@link ForwardPass}, in {@link PassBuffer}s of its own: this machine's processors, or
 * a device. It knows each step's arithmetic; which steps there are, and in what order, is the pass's alone.
 *
 * <p>Steps take all rows of the batch unless they say otherwise. One pass at a time.
 */
public interface Backend {
    /** The three LayerNorms. */
    enum Norm {
        LN1,
        LN2,
        FINAL
    }

    /** What to do of a LayerNorm: its parts one after the other when a probe watches between them. */
    enum NormStep {
        ALL,
        /** {@code NORMED = in - mean}, {@code SCALES = sqrt(mean(NORMED^2) + eps)}. */
        CENTER,
        /** {@code NORMED /= SCALES}. */
        DIVIDE,
        /** {@code NORMED = NORMED * gain + bias}. */
        AFFINE
    }

    /**
     * Prepares for a pass; the caches to be appended to get their room.
     *
     * @throws BackendUnavailableException if the pass has something that the backend cannot do, or that exceeds its
     *     memory
     */
    void begin(Plan plan);

    /** Lets go of a pass that began, however it ended. */
    void end();

    /** Whether it makes edits that are declared; otherwise probes make theirs by themselves. */
    boolean edits();

    /** Changes the values of a buffer, the steps so far having formed them, as a probe declares. */
    void edit(PassBuffer buffer, HookPoint point, List<DeclaredEdit> edits);

    /**
     * The values of a buffer, to be shown to a probe; at least those of the rows that it reads there. They may be the
     * buffer itself.
     *
     * @param size of the buffer's values in use
     */
    float[] read(PassBuffer buffer, int size, HookPoint point, Probe probe);

    /** Puts back what {@link #read} gave, after the same probe may have changed it. */
    void write(PassBuffer buffer, float[] values, int size, HookPoint point, Probe probe);

    /** Fills the front of a buffer from an array. */
    void load(PassBuffer buffer, float[] values, int size);

    /** Copies the front of a buffer out. */
    void store(PassBuffer buffer, float[] out, int size);

    /** {@code to = from}, buffers of equal width. */
    void copy(PassBuffer from, PassBuffer to);

    /** {@code RESIDUAL = } token embedding plus position embedding. */
    void embed();

    /** {@code TOKEN_EMBEDDINGS} and {@code POSITION_EMBEDDINGS}. */
    void embedApart();

    /** {@code RESIDUAL = TOKEN_EMBEDDINGS + POSITION_EMBEDDINGS}. */
    void sumEmbeddings();

    /** {@code NORMED} from the first {@code rows} rows of {@code in}. */
    void norm(NormStep step, Norm norm, int layer, PassBuffer in, int rows);

    /** {@code Q}, {@code K} and {@code V} from {@code NORMED}. */
    void project(int layer);

    /** {@code HEAD_INPUTS}: each row of {@code RESIDUAL} once for every head. */
    void spreadHeadInputs();

    /** Forms {@code out}, one of Q, K and V, again where {@code inputs} differs from {@code RESIDUAL}. */
    void projectHeadInputs(int layer, PassBuffer out, PassBuffer inputs);

    /** Puts {@code K} and {@code V} where queries of this layer find them. */
    void storeKeysValues(int layer);

    /** {@code Z} from {@code Q} and the stored keys and values. */
    void attend(int layer);

    /**
     * {@code MAPS}: scores of all keys a sequence has, minus infinity where a key comes after the query;
     * {@code mapOffsets[s]} is where a sequence's begin.
     */
    void scores(int layer, int[] mapOffsets);

    /** {@code MAPS}: softmax of the scores. */
    void pattern();

    /** {@code Z} from {@code MAPS}. */
    void weigh(int layer);

    /** {@code BRANCH = Z W_O + b_O}; then perhaps {@code RESIDUAL += BRANCH}. */
    void attentionOut(int layer, boolean thenAdd);

    /** {@code RESULTS}: each head's {@code z W_O}. */
    void headResults(int layer);

    /**
     * {@code BRANCH = Z W_O + b_O}, or the sum of a row's {@code RESULTS} and {@code b_O} where the row was changed
     * since {@link #headResults}.
     */
    void sumHeadResults(int layer);

    /** {@code NEURONS = NORMED W_in + b_in}; then perhaps the activation function. */
    void mlpIn(int layer, boolean thenActivate);

    /** {@code NEURONS = f(NEURONS)}. */
    void activate();

    /** {@code BRANCH = NEURONS W_out + b_out}; then perhaps {@code RESIDUAL += BRANCH}. */
    void mlpOut(int layer, boolean thenAdd);

    /** {@code RESIDUAL += BRANCH}. */
    void addBranch();

    /** Moves chosen rows of a buffer of width dModel, which ascend, to its front. */
    void gather(PassBuffer buffer, int[] rows);

    /**
     * Logits of the first {@code rows} rows of {@code NORMED}.
     *
     * @param columns token ids, or null for all
     */
    void unembed(float[] logits, int rows, int[] columns);
}
