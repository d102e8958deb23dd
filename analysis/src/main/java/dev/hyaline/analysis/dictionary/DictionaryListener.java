package dev.hyaline.analysis.dictionary;

/** Told how learning goes. */
@FunctionalInterface
public interface DictionaryListener {
    /**
     * Called after each step on the thread that learns; may throw to stop.
     *
     * @param done steps so far
     * @param cost objective of a sample in the step's batch: before the step's update in the mini-batch form, after it
     *     in the classic form
     * @param resampled atoms that the step drew anew since they were not used
     */
    void stepped(long done, double cost, int resampled);
}
