package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.ActivationSource;
import java.nio.file.Path;

/** Dumps of either kind opened for interventions. {@link PromptDump} and {@link ActivationStore} read them whole. */
public final class DumpReader {
    private DumpReader() {}

    /**
     * Opens a folder that {@code hyaline dump} wrote, as one safetensors file or in shards. Values are read when they
     * are needed; the files of shards stay mapped until the program ends.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException if it is not such a dump
     */
    public static ActivationSource open(Path folder) {
        Json manifest = manifest(folder);
        if (format(manifest).equals(ShardManifest.FORMAT)) {
            return new RecordedStore(ActivationStore.open(folder), folder);
        }
        if (!format(manifest).equals(Manifest.FORMAT)) {
            throw notOfPrompts(folder);
        }
        PromptDump.requireValues(folder, manifest);
        return PromptDump.of(folder, manifest).source();
    }

    static String format(Json manifest) {
        return manifest.get("format").filter(Json::isString).map(Json::string).orElse("");
    }

    static BadInputException notOfPrompts(Path folder) {
        return new BadInputException(folder + " is not a dump of prompts (" + Manifest.FORMAT + ")");
    }

    static Json manifest(Path folder) {
        try (FileInput file = FileInput.open(folder.resolve(DumpFolder.MANIFEST), InputErrors.INSTANCE)) {
            return Json.readObject(InputErrors.INSTANCE, file.label(), file.readAll(ShardManifest.MAX_LENGTH));
        }
    }
}
