package dev.hyaline.analysis.causal;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Options of running a sweep. Immutable; each method returns a changed copy. */
public final class SweepOptions {
    private static final SweepOptions NONE = new SweepOptions(null, (done, total) -> {});

    private final @Nullable Path journal;
    private final Progress progress;

    private SweepOptions(@Nullable Path journal, Progress progress) {
        this.journal = journal;
        this.progress = progress;
    }

    /** Told how far a sweep is. */
    @FunctionalInterface
    public interface Progress {
        /** Called after each edit on the thread that sweeps. */
        void measured(long done, long total);
    }

    /** Nothing kept, nobody told. */
    public static SweepOptions none() {
        return NONE;
    }

    /**
     * With a file that every result is added to as it comes, so that a sweep that is stopped in any way goes on from
     * there. Its folder is made if it is not there. It is left when the sweep is done, for the caller to delete once
     * the results are safe.
     */
    public SweepOptions journal(Path file) {
        return new SweepOptions(file, progress);
    }

    public SweepOptions progress(Progress newProgress) {
        return new SweepOptions(journal, newProgress);
    }

    /** The file that results are added to; empty if none are kept. */
    public Optional<Path> journal() {
        return Optional.ofNullable(journal);
    }

    /** The one who is told. */
    public Progress progress() {
        return progress;
    }

    @Override
    public String toString() {
        return journal == null ? "no journal" : "journal " + journal;
    }
}
