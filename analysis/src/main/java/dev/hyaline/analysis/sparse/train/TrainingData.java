package dev.hyaline.analysis.sparse.train;

/**
 * Activations to train on, in batches that depend on their number alone: a run that is resumed reads what one that was
 * not would have read.
 */
public interface TrainingData {
    /** Values of an input. */
    int dIn();

    /** Values of what is to be reconstructed. */
    int dOut();

    /** Returns whether what is to be reconstructed is of another site than the inputs. */
    boolean isTranscoder();

    /** Sites that a crosscoder reads and writes together, end to end in each row; 1 for all others. */
    default int sites() {
        return 1;
    }

    /** Rows of one epoch. */
    long rows();

    /**
     * Reads a batch. Batches follow one another through all rows in a shuffled order, then through all of them in
     * another.
     *
     * @param batch its number, from 0
     * @param size rows it has
     * @param x inputs {@code [size, dIn]}
     * @param y what is to be reconstructed {@code [size, dOut]}; the same array as {@code x} unless it is a
     *     transcoder's
     * @throws dev.hyaline.engine.error.BadInputException if the batch's number or size is negative, or both together
     *     are past what a long counts
     * @throws dev.hyaline.engine.error.BadShapeException if an array is too short
     */
    void read(long batch, int size, float[] x, float[] y);
}
