package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import picocli.CommandLine.Option;

/** What a model runs on. */
final class EngineOptions {
    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads to compute with; the values are the same for any number. Default: one a processor.")
    private Integer threads;

    /** More would only wait for each other, and soon be more than a system gives one process. */
    private static final int MOST_THREADS = 1024;

    /**
     * Threads to compute with.
     *
     * @throws BadInputException if the option is out of range; ask for them before other work, so that it comes first
     */
    int threads() {
        if (threads != null && (threads < 1 || threads > MOST_THREADS)) {
            throw new BadInputException("--threads must be " + (threads < 1 ? "at least 1" : "at most " + MOST_THREADS)
                    + ", found " + threads);
        }
        return threads == null ? Gpt2.defaultThreads() : threads;
    }
}
