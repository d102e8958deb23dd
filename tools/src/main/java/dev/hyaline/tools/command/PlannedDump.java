package dev.hyaline.tools.command;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.LineParser;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;

/**
 * What a plan's command asks for: the model, and what is written of it. The checkpoint is open until this is closed.
 *
 * @param parser reads the corpus's lines
 */
public record PlannedDump(
        DumpPlan plan,
        Checkpoint checkpoint,
        Gpt2Weights weights,
        CorpusDump dump,
        LineParser parser,
        Provenance provenance)
        implements AutoCloseable {
    /**
     * Opens what a plan's command asks for.
     *
     * @param label name of the plan, for messages
     * @throws BadInputException if the command cannot be run here, or its model is not the planned one
     */
    public static PlannedDump open(DumpPlan plan, String label, Console console) {
        return DumpCommand.planned(plan, label, console).open(plan, CorpusDump.BATCH_TOKENS);
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
