package dev.hyaline.analysis.laboratory;

import java.util.Map;

/**
 * A phase of a study: a function of what earlier phases wrote, and of the model. Two runs with the same input give the
 * same files to the byte, whatever the number of threads.
 *
 * @param <I> what it reads
 * @param <O> what it finds
 */
public interface Phase<I, O> extends Step<I, O> {
    /** The name of its folder, such as {@code 3-design}. */
    String name();

    /** Reads the files of earlier phases that it needs. */
    I read(StudyFiles before);

    /** The files of its folder, by name. */
    Map<String, byte[]> files(O output);

    /** From the files of earlier phases to those of this one. */
    default Step<StudyFiles, Map<String, byte[]>> whole() {
        Step<StudyFiles, I> reading = (before, run) -> read(before);
        return reading.then(this).then((output, run) -> files(output));
    }
}
