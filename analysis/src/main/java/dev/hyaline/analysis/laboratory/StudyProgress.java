package dev.hyaline.analysis.laboratory;

/** Told how far a study is. Nothing that it does changes a result. */
public interface StudyProgress {
    /** Told nothing. */
    StudyProgress NONE = new StudyProgress() {};

    /**
     * Called as a phase begins.
     *
     * @param name of the phase's folder
     * @param done whether its files are there already, so that it is only read
     */
    default void phase(String name, boolean done) {}

    /**
     * Called as work of a phase gets on.
     *
     * @param work what is done
     * @param done steps of it so far
     * @param total steps of it
     */
    default void advanced(String work, long done, long total) {}

    /** Called with something that the study says, a sentence. */
    default void said(String sentence) {}
}
