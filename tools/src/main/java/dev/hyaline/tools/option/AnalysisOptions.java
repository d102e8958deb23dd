package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import picocli.CommandLine.Mixin;

/** The options of every analysis: a model, the hardware that it runs on, and a folder for tables. */
public final class AnalysisOptions {
    @Mixin
    private TableOptions tables;

    @Mixin
    private ModelOptions model;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private WeightOptions weights;

    @Mixin
    private CommonOptions common;

    public TableOptions tables() {
        return tables;
    }

    /** Returns whether to print one JSON document instead of text. */
    public boolean json() {
        return common.json;
    }

    /** The choice of the model as one types it; empty for the built-in one. */
    public String typedModel() {
        return model.typed();
    }

    /** Opens the model's checkpoint; no weights are read yet. */
    public Checkpoint open(Console console) {
        return model.open(console);
    }

    /** Returns whether weights are processed in a way that was chosen. */
    public boolean processes() {
        return !weights.steps().isEmpty();
    }

    /** Reads a checkpoint's parameters and processes them as was chosen. */
    public Gpt2Weights weights(Checkpoint checkpoint) {
        return weights.weights(checkpoint);
    }

    /** Starts the model on the chosen hardware. */
    public Gpt2 start(Gpt2Weights weights, Console console) {
        return engine.open(weights, console);
    }
}
