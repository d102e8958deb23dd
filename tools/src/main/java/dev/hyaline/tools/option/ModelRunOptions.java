package dev.hyaline.tools.option;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import picocli.CommandLine.Mixin;

/** The options of a command that runs one model: which, the hardware that it runs on, and those of every command. */
public final class ModelRunOptions {
    @Mixin
    private ModelOptions model;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private CommonOptions common;

    /** Returns whether to print one JSON document instead of text. */
    public boolean json() {
        return common.json;
    }

    /** How what this command writes is made; {@code output} is the option that names the file or folder. */
    public CommandRecord record(String output, Checkpoint checkpoint) {
        return common.record(output, checkpoint);
    }

    /** Opens the model's checkpoint; no weights are read yet. */
    public Checkpoint open(Console console) {
        return model.open(console);
    }

    /** Loads a checkpoint's weights and starts the model on the chosen hardware. */
    public Gpt2 start(Checkpoint checkpoint, Console console) {
        return engine.open(checkpoint.weights(), console);
    }

    /** The number of threads, the caller's included. */
    public int threads() {
        return engine.threads();
    }
}
