package dev.hyaline.instrument.internal;

import java.util.function.IntUnaryOperator;

/** Splits sequences into passes, neighbours together. */
public final class Batches {
    /**
     * Tokens that a pass takes together: enough to keep the matrix products busy, few enough that a vocabulary of
     * logits each stays small.
     */
    public static final int TOKENS_PER_PASS = 1024;

    private Batches() {}

    /** One pass over the sequences from {@code first} to {@code end}, the end excluded. */
    @FunctionalInterface
    public interface Pass {
        void run(int first, int end);
    }

    /** Runs sequences in order, each pass with as many as fit; a sequence that is longer goes alone. */
    public static void run(int sequences, IntUnaryOperator length, Pass pass) {
        for (int first = 0; first < sequences; ) {
            int end = first;
            int tokens = 0;
            do {
                tokens += length.applyAsInt(end++);
            } while (end < sequences && tokens + length.applyAsInt(end) <= TOKENS_PER_PASS);
            pass.run(first, end);
            first = end;
        }
    }
}
