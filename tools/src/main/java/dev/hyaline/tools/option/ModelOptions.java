package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.HubProgress;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.ModelSource;
import dev.hyaline.weights.hub.Hub;
import dev.hyaline.weights.hub.HubSettings;
import dev.hyaline.weights.hub.Snapshot;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The choice of a model. */
public final class ModelOptions implements CheckedOptions {
    private static final String DEFAULT = "fable";

    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = {
                "A built-in model, a folder or file with a GPT-2, or a repository of the Hugging Face hub: gpt2,"
                    + " distilgpt2, OWNER/NAME, each optionally with @REVISION. A model that is not in the hub's cache"
                    + " is downloaded into it. Default: fable, which is built in."
            })
    String model = DEFAULT;

    @Option(
            names = "--refresh",
            description = {
                "Ask the hub which commit a branch or tag of --model means now, and use that one; without this, the"
                        + " one in the cache."
            })
    private boolean refresh;

    private @Nullable Snapshot snapshot;

    /** The choice of another model, named as {@code --model} names one. */
    public static ModelOptions of(String model) {
        ModelOptions options = new ModelOptions();
        options.model = model;
        return options;
    }

    /** The files that a model was read from. */
    public static List<Provenance.ModelFile> files(Checkpoint checkpoint) {
        return checkpoint.files().stream()
                .map(file -> new Provenance.ModelFile(file.name(), file.bytes(), file.sha256()))
                .toList();
    }

    @Override
    public void check() {
        if (Checkpoint.builtInNames().contains(model)) {
            requireHub("is built in");
        } else if (Files.exists(PathOption.parse("--model", model))) {
            requireHub("is a file or folder here");
        }
    }

    /** The option as one types it; empty for the model that a command takes by itself. */
    public String typed() {
        return isDefault() ? "" : "--model " + Printable.shellWord(model);
    }

    /** Returns whether the model that a command takes by itself is meant. */
    public boolean isDefault() {
        return model.equals(DEFAULT);
    }

    /**
     * Opens the checkpoint, downloading it if necessary; its parameters are not read yet. A built-in name takes
     * precedence over a file or folder, and these over the hub.
     */
    public Checkpoint open(Console console) {
        Checkpoint checkpoint = find(console);
        if (!checkpoint.leftOut().isEmpty()) {
            console.err()
                    .println("hyaline: left out, because not part of a GPT-2 language model: "
                            + Printable.plain(String.join(", ", checkpoint.leftOut())));
            console.err().flush();
        }
        return checkpoint;
    }

    private Checkpoint find(Console console) {
        snapshot = null;
        PathOption.parse("--model", model);
        return switch (ModelSource.of(model)) {
            case ModelSource.BuiltIn builtIn -> Checkpoint.builtIn(builtIn.name());
            case ModelSource.OnDisk onDisk -> Checkpoint.open(onDisk.path());
            case ModelSource.OnHub onHub -> {
                Hub hub = Hub.of(HubSettings.of(console.environment()));
                try (HubProgress progress = new HubProgress(console, onHub.name())) {
                    snapshot = onHub.snapshot(hub, refresh, progress);
                    yield Checkpoint.open(snapshot);
                }
            }
        };
    }

    private void requireHub(String otherwise) {
        if (refresh) {
            throw new BadInputException("--refresh is for models of the hub, but " + model + " " + otherwise);
        }
    }

    /** The opened model as {@code --model} takes it, with a repository's revision resolved to a commit. */
    public String pinned() {
        return snapshot().map(Snapshot::pinned).orElse(model);
    }

    /** The opened snapshot of the hub; empty if the model is not from the hub. */
    public Optional<Snapshot> snapshot() {
        return Optional.ofNullable(snapshot);
    }
}
