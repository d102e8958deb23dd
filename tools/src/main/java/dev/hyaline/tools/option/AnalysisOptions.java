package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import picocli.CommandLine.Mixin;

/** What every analysis takes: a model, what it runs on, and where tables go. */
public final class AnalysisOptions {
    @Mixin
    private TableOptions tables;

    @Mixin
    private ModelOptions model;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private CommonOptions common;

    public TableOptions tables() {
        return tables;
    }

    /** Whether one JSON document is asked for instead of text. */
    public boolean json() {
        return common.json;
    }

    /** Opens the model's checkpoint; no weights are read yet. */
    public Checkpoint open(Console console) {
        return model.open(console);
    }

    /** Loads weights and starts a model on what was asked for. */
    public Gpt2 start(Gpt2Weights weights, Console console) {
        return engine.open(weights, console);
    }
}
