package dev.hyaline.instrument.capture;

import dev.hyaline.engine.site.HookPoint;

/** Receives what a {@link Capture} records while prompts run. Called on the thread that runs them. */
@FunctionalInterface
public interface CaptureListener {
    /**
     * The next piece of one point's values for one sequence. The pieces of a point come sequence by sequence; put end
     * to end they are the sequence's values in the shape of {@link Capture#shape}.
     *
     * @param sequence index among the prompts
     * @param values the pass's own buffer: copy from it, change nothing
     * @param offset index of the piece's first value
     * @param length number of values
     */
    void captured(HookPoint point, int sequence, float[] values, int offset, int length);

    /**
     * A sequence's last point is through.
     *
     * @param nextTokenLogits the logits after its last token, {@code [dVocab]}; the listener may keep them
     */
    default void finished(int sequence, float[] nextTokenLogits) {}
}
