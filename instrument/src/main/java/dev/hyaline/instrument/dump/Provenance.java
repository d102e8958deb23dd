package dev.hyaline.instrument.dump;

import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The origin of a dump, as far as the engine does not know it. Its manifest needs this so that someone else can make it
 * again.
 *
 * @param tool name and version of the program
 * @param command the command that makes the same dump
 * @param model name or path of the model
 * @param modelFiles what the model was read from
 * @param prependedToken the beginning-of-text token put before each prompt given as text; null if none was
 * @param tokenText text of a token
 */
public record Provenance(
        String tool,
        List<String> command,
        String model,
        List<ModelFile> modelFiles,
        @Nullable Integer prependedToken,
        IntFunction<String> tokenText) {

    /**
     * A file of the model.
     *
     * @param sha256 in hexadecimal
     */
    public record ModelFile(String name, long bytes, String sha256) {}

    public Provenance {
        command = List.copyOf(command);
        modelFiles = List.copyOf(modelFiles);
    }
}
