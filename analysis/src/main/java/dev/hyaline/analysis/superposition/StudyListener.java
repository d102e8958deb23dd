package dev.hyaline.analysis.superposition;

/** Told how a study goes. */
@FunctionalInterface
public interface StudyListener {
    /**
     * Called as work is done, on the thread that studies.
     *
     * @param stage what is done now, in a word or two
     * @param done steps of the stage so far
     * @param total steps of the stage
     */
    void advanced(String stage, long done, long total);
}
