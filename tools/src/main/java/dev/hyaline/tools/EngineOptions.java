package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.weights.Checkpoint;
import picocli.CommandLine.Option;

/** What a model runs on. */
final class EngineOptions {
    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads to compute with; the values are the same for any number. Default: one a processor.")
    private Integer threads;

    /** Reads the parameters and makes the model ready to run. */
    Gpt2 load(Checkpoint checkpoint) {
        int checked = threads();
        return Gpt2.of(checkpoint.weights(), checked);
    }

    /** Threads to compute with. */
    int threads() {
        if (threads != null && threads < 1) {
            throw new BadInputException("--threads must be at least 1, found " + threads);
        }
        return threads == null ? Gpt2.defaultThreads() : threads;
    }
}
