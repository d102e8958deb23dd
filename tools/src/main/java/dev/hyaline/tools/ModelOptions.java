package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which model. */
final class ModelOptions {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "DIR",
            description = {
                "A folder with a Hugging Face GPT-2 (config.json, model.safetensors), one file of weights in such a"
                        + " folder, or the name of a built-in model. Default: fable, which is built in."
            })
    String model = "fable";

    /**
     * Opens the checkpoint; its parameters are not read yet. A folder goes before a built-in model of the same name.
     */
    Checkpoint open() {
        if (Checkpoint.builtInNames().contains(model) && !Files.exists(path("--model", model))) {
            return Checkpoint.builtIn(model);
        }
        return Checkpoint.open(path("--model", model));
    }

    /**
     * A file name given to an option.
     *
     * @throws BadInputException if no file can have that name here
     */
    static Path path(String option, String name) {
        if (name.isEmpty()) {
            throw new BadInputException(option + " needs a name, but was given none");
        }
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new BadInputException(option + ": '" + name + "' cannot be a file name here (" + e.getReason() + ")");
        }
    }
}
