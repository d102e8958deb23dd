package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The number of threads to compute with. */
public final class ThreadOption implements CheckedOptions {
    @Option(
            names = "--threads",
            paramLabel = "N",
            description =
                    "Threads to compute with; the values are the same for any number. Default: one per processor.")
    private @Nullable Integer threads;

    boolean isGiven() {
        return threads != null;
    }

    /**
     * The number of threads.
     *
     * @throws BadInputException if the option is out of range
     */
    public int threads() {
        if (threads != null && (threads < 1 || threads > Gpt2.MAX_THREADS)) {
            throw new BadInputException("--threads must be "
                    + (threads < 1 ? "at least 1" : "at most " + Gpt2.MAX_THREADS) + ", found " + threads);
        }
        return threads == null ? Gpt2.defaultThreads() : threads;
    }

    @Override
    public void check() {
        threads();
    }
}
