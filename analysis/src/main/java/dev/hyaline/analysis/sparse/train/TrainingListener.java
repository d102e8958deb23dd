package dev.hyaline.analysis.sparse.train;

/** Told how training goes. */
@FunctionalInterface
public interface TrainingListener {
    /**
     * Called after each step on the thread that trains.
     *
     * @param done steps so far
     * @param rate the learning rate
     * @param dead latents that count as dead
     */
    void stepped(long done, Losses losses, double rate, int dead);
}
