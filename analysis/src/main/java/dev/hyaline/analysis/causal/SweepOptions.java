package dev.hyaline.analysis.causal;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a sweep is run.
 *
 * @param journal file that every result is added to as it comes, so that a sweep that is stopped in any way goes on
 *     from there; left when the sweep is done, for the caller to delete once the results are safe
 */
public record SweepOptions(Optional<Path> journal, Progress progress) {
    /** Told how far a sweep is. */
    @FunctionalInterface
    public interface Progress {
        /** Called after each edit on the thread that sweeps. */
        void measured(long done, long total);
    }

    /** Nothing kept, nobody told. */
    public static SweepOptions none() {
        return new SweepOptions(Optional.empty(), (done, total) -> {});
    }

    public SweepOptions journal(Path file) {
        return new SweepOptions(Optional.of(file), progress);
    }

    public SweepOptions progress(Progress newProgress) {
        return new SweepOptions(journal, newProgress);
    }
}
