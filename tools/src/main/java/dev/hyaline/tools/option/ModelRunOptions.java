package dev.hyaline.tools.option;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.weights.ProcessingStep;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;

/**
 * The options of a command that runs one model: which, how its weights are processed, the hardware that it runs on, and
 * those of every command.
 */
public final class ModelRunOptions {
    @Mixin
    private ModelOptions model;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private WeightOptions weights;

    @Mixin
    private CommonOptions common;

    /** Returns whether to print one JSON document instead of text. */
    public boolean json() {
        return common.json;
    }

    /** How what this command writes is made; {@code output} is the option that names the file; null for a folder. */
    public CommandRecord record(@Nullable String output, Checkpoint checkpoint) {
        return common.record(output, checkpoint);
    }

    /** Opens the model's checkpoint; no weights are read yet. */
    public Checkpoint open(Console console) {
        return model.open(console);
    }

    /** The steps by which its weights are processed. */
    public List<ProcessingStep> steps() {
        return weights.steps();
    }

    /** Loads a checkpoint's weights, processes them as was chosen, and starts the model on the chosen hardware. */
    public Gpt2 start(Checkpoint checkpoint, Console console) {
        return engine.open(weights.weights(checkpoint), console);
    }

    /** The number of threads, the caller's included. */
    public int threads() {
        return engine.threads();
    }
}
