package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;

/**
 * The steps of a {@link ForwardPass} as this machine's processors or a device carry them out, in {@link PassBuffer}s of
 * their own. A backend knows each step's arithmetic; which steps there are, and in what order, is the pass's alone.
 *
 * <p>The buffers in a call are always the same ones for the same step. They are named so that the pass shows what flows
 * where; a backend may have the step's buffers built in, as a device's compiled graphs do. Steps take all rows of the
 * batch unless they say otherwise. One pass at a time.
 */
public interface Backend {
    /** The three LayerNorms. */
    enum Norm {
        LN1,
        LN2,
        FINAL
    }

    /** The parts of a LayerNorm: one after the other when a probe watches between them. */
    enum NormStep {
        ALL,
        /** {@code out = in - mean}, {@code SCALES = sqrt(mean(out^2) + eps)}. */
        CENTER,
        /** {@code out /= SCALES}. */
        DIVIDE,
        /** {@code out = out * gain + bias}. */
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

    /**
     * Shows a probe the values of a buffer, or makes the edits that it declares of them.
     *
     * @param size values in use
     * @param view points the activation at values
     */
    void show(PassBuffer buffer, int size, HookPoint point, Probe probe, View view);

    /** The activation that a probe is shown. */
    @FunctionalInterface
    interface View {
        /** The activation, pointed at values. */
        Activation of(float[] values);
    }

    /** Fills the front of a buffer from an array. */
    void load(PassBuffer buffer, float[] values, int size);

    /** Copies the front of a buffer out. */
    void store(PassBuffer buffer, float[] out, int size);

    /** {@code to = from}, buffers of equal width. */
    void copy(PassBuffer from, PassBuffer to);

    /** {@code out = } token embedding plus position embedding. */
    void embed(PassBuffer out);

    /** Token embeddings and position embeddings. */
    void embedApart(PassBuffer tokens, PassBuffer positions);

    /** {@code out = a + b}, buffers of width dModel. */
    void sum(PassBuffer a, PassBuffer b, PassBuffer out);

    /** The first {@code rows} rows of {@code out} from those of {@code in}. */
    void norm(NormStep step, Norm norm, int layer, PassBuffer in, PassBuffer out, int rows);

    /** Queries, keys and values: {@code q = in W_Q + b_Q}, and so on. */
    void project(int layer, PassBuffer in, PassBuffer q, PassBuffer k, PassBuffer v);

    /** {@code out}: each row of {@code residual} once for every head. */
    void spread(PassBuffer residual, PassBuffer out);

    /** Forms {@code out}, one of Q, K and V, again where {@code inputs} differs from the residual stream. */
    void projectHeadInputs(int layer, PassBuffer inputs, PassBuffer out);

    /** Puts keys and values where queries of this layer find them. */
    void storeKeysValues(int layer, PassBuffer k, PassBuffer v);

    /** {@code z} from queries and the stored keys and values. */
    void attend(int layer, PassBuffer q, PassBuffer z);

    /**
     * Scores of all keys a sequence has, minus infinity where a key comes after the query.
     *
     * @param mapOffsets where the maps of each sequence begin
     */
    void scores(int layer, PassBuffer q, PassBuffer maps, int[] mapOffsets);

    /** Softmax of the scores, in place. */
    void softmax(PassBuffer maps);

    /** {@code z} from the pattern and the stored values. */
    void weigh(int layer, PassBuffer maps, PassBuffer z);

    /** {@code out = z W_O + b_O}. */
    void attentionOut(int layer, PassBuffer z, PassBuffer out);

    /** {@code out = z W_O + b_O}, then {@code sum += out}. */
    void attentionOutAndAdd(int layer, PassBuffer z, PassBuffer out, PassBuffer sum);

    /** Each head's {@code z W_O}. */
    void headResults(int layer, PassBuffer z, PassBuffer results);

    /**
     * {@code out = z W_O + b_O}, or the sum of a row's {@code results} and {@code b_O} where the row was changed since
     * {@link #headResults}.
     */
    void sumHeadResults(int layer, PassBuffer z, PassBuffer results, PassBuffer out);

    /** {@code out = in W_in + b_in}. */
    void mlpIn(int layer, PassBuffer in, PassBuffer out);

    /** {@code out = f(in W_in + b_in)}, {@code f} the activation function. */
    void mlpInAndActivate(int layer, PassBuffer in, PassBuffer out);

    /** {@code neurons = f(neurons)}. */
    void activate(PassBuffer neurons);

    /** {@code out = neurons W_out + b_out}. */
    void mlpOut(int layer, PassBuffer neurons, PassBuffer out);

    /** {@code out = neurons W_out + b_out}, then {@code sum += out}. */
    void mlpOutAndAdd(int layer, PassBuffer neurons, PassBuffer out, PassBuffer sum);

    /** {@code sum += branch}. */
    void add(PassBuffer branch, PassBuffer sum);

    /** Moves chosen rows of a buffer of width dModel, which ascend, to its front. */
    void gather(PassBuffer buffer, int[] rows);

    /** Logits of the first {@code rows} rows of {@code normed}. */
    void unembed(PassBuffer normed, float[] logits, int rows, LogitColumns columns);
}
