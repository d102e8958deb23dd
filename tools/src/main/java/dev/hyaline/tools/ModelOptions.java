package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which model, and on how many threads. */
final class ModelOptions {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "DIR",
            description = {
                "A folder with a Hugging Face GPT-2 (config.json, model.safetensors), a .safetensors file in one,"
                        + " or the name of a built-in model. Default: fable, which is built in."
            })
    String model = "fable";

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads to compute with; the values are the same for any number. Default: one a processor.")
    Integer threads;

    /**
     * Opens the checkpoint; its parameters are not read yet. A folder on disk goes before a built-in model of its name.
     */
    Checkpoint open() {
        if (Checkpoint.builtInNames().contains(model) && !Files.exists(path())) {
            return Checkpoint.builtIn(model);
        }
        return Checkpoint.open(path());
    }

    private Path path() {
        try {
            return Path.of(model);
        } catch (InvalidPathException e) {
            throw new BadInputException("--model: '" + model + "' cannot be a file name here (" + e.getReason() + ")");
        }
    }

    /** Reads the parameters and makes the model ready to run. */
    Gpt2 load(Checkpoint checkpoint) {
        if (threads != null && threads < 1) {
            throw new BadInputException("--threads must be at least 1, found " + threads);
        }
        Gpt2Weights weights = checkpoint.weights();
        return threads == null ? Gpt2.of(weights) : Gpt2.of(weights, threads);
    }
}
