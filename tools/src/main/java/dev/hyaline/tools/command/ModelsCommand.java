package dev.hyaline.tools.command;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.HubProgress;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.CheckpointFile;
import dev.hyaline.weights.hub.Hub;
import dev.hyaline.weights.hub.HubName;
import dev.hyaline.weights.hub.HubSettings;
import dev.hyaline.weights.hub.Snapshot;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline models}: a list of the built-in models and those in the hub's cache. */
@Command(
        name = "models",
        header = "Lists the models that are built in or in the Hugging Face cache.",
        description = {
            "",
            "The cache is the one of Python's huggingface_hub. Of its models, those marked open are GPT-2s that --model"
                    + " takes without downloading anything."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline models",
            "  hyaline models --refresh --json",
            "",
            "Environment:",
            "  HF_HUB_CACHE, HF_HOME     the cache; by default ~/.cache/huggingface/hub",
            "  HF_TOKEN                  for gated and private repositories; sent to the hub alone",
            "  HF_ENDPOINT               a hub other than https://huggingface.co",
            "  HF_HUB_OFFLINE=1          never download",
            "  HF_HUB_DOWNLOAD_TIMEOUT   seconds to wait for a silent server; by default 30",
            "  https_proxy, no_proxy     the proxy on the way to the hub"
        })
public final class ModelsCommand implements Runnable {
    private static final String BUILT_IN = "built in";
    private static final int SHORT_COMMIT = 8;

    private final Console console;

    @Option(
            names = "--refresh",
            description = {
                "First ask the hub which commits the branches and tags in the cache mean now, and download those that"
                        + " have moved; only for models that open."
            })
    private boolean refresh;

    @Mixin
    private CommonOptions common;

    public ModelsCommand(Console console) {
        this.console = console;
    }

    /**
     * A line of the list.
     *
     * @param snapshot the snapshot in the hub's cache; null if the model is built in
     * @param parameters 0 if it does not open
     * @param problem why it does not open; empty if it does
     */
    private record Model(String name, @Nullable Snapshot snapshot, long bytes, long parameters, String problem) {
        boolean opens() {
            return problem.isEmpty();
        }

        /** The problem without the folder, which is long and follows from the name and the revision. */
        String shortProblem() {
            return snapshot == null ? problem : problem.replace(snapshot.folder() + File.separator, "");
        }

        String revision() {
            return snapshot == null
                    ? BUILT_IN
                    : snapshot.revisions().isEmpty()
                            ? snapshot.commit().substring(0, SHORT_COMMIT)
                            : String.join(", ", snapshot.revisions());
        }
    }

    @Override
    public void run() {
        HubSettings settings = HubSettings.of(console.environment());
        List<String> failures = refresh ? refresh(Hub.of(settings)) : List.of();
        List<Model> models = new ArrayList<>();
        for (String name : Checkpoint.builtInNames()) {
            try (Checkpoint checkpoint = Checkpoint.builtIn(name)) {
                long bytes = checkpoint.files().stream()
                        .mapToLong(CheckpointFile::bytes)
                        .sum();
                models.add(model(name, null, bytes, () -> Checkpoint.builtIn(name)));
            }
        }
        for (Snapshot snapshot : Hub.of(settings).cached()) {
            models.add(model(snapshot.repository(), snapshot, snapshot.bytes(), () -> Checkpoint.open(snapshot)));
        }
        if (common.json) {
            JsonOutput.print(console, json -> json(json, settings, models));
        } else {
            text(settings, models);
        }
        if (!failures.isEmpty()) {
            throw new HyalineException(String.join("; ", failures));
        }
    }

    /** Refreshes all models that open, and returns the failures. */
    private List<String> refresh(Hub hub) {
        List<String> failures = new ArrayList<>();
        for (Snapshot snapshot : hub.cached()) {
            if (model(snapshot.repository(), snapshot, 0, () -> Checkpoint.open(snapshot))
                    .opens()) {
                for (String revision : snapshot.revisions()) {
                    HubName name = new HubName(snapshot.repository(), revision);
                    try (HubProgress progress = new HubProgress(console, name)) {
                        hub.refresh(name, progress);
                    } catch (HyalineException e) {
                        failures.add(e.getMessage());
                    }
                }
            }
        }
        return failures;
    }

    private static Model model(String name, @Nullable Snapshot snapshot, long bytes, Supplier<Checkpoint> opening) {
        try (Checkpoint checkpoint = opening.get()) {
            return new Model(name, snapshot, bytes, checkpoint.config().parameters(), "");
        } catch (HyalineException e) {
            return new Model(name, snapshot, bytes, 0, String.valueOf(e.getMessage()));
        }
    }

    private void text(HubSettings settings, List<Model> models) {
        Table table = new Table("model", "revision", ">size", ">parameters", "opens");
        for (Model model : models) {
            table.row(
                    model.name(),
                    model.revision(),
                    DisplayText.bytes(model.bytes()),
                    model.opens() ? DisplayText.count(model.parameters()) : "",
                    model.opens() ? "yes" : "no");
        }
        table.print(console);
        console.out().println();
        // These sentences are too long for a column.
        models.stream()
                .filter(model -> !model.opens())
                .forEach(model -> console.out()
                        .println(model.name() + " (" + model.revision() + ") does not open: " + model.shortProblem()));
        console.out().println("Cache: " + settings.cache());
    }

    private static void json(JsonGenerator json, HubSettings settings, List<Model> models) {
        json.writeStringProperty("cache", settings.cache().toString());
        json.writeArrayPropertyStart("models");
        for (Model model : models) {
            json.writeStartObject();
            json.writeStringProperty("model", model.name());
            json.writeBooleanProperty("built_in", model.snapshot() == null);
            if (model.snapshot() != null) {
                json.writeStringProperty("commit", model.snapshot().commit());
                json.writeArrayPropertyStart("revisions");
                model.snapshot().revisions().forEach(json::writeString);
                json.writeEndArray();
                json.writeStringProperty("folder", model.snapshot().folder().toString());
            }
            json.writeNumberProperty("bytes", model.bytes());
            json.writeBooleanProperty("opens", model.opens());
            if (model.opens()) {
                json.writeNumberProperty("parameters", model.parameters());
            } else {
                json.writeStringProperty("problem", model.problem());
            }
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
