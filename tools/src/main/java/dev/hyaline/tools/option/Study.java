package dev.hyaline.tools.option;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;

/**
 * An opened model and the pairs of prompts that it is studied on.
 *
 * @param pairsOrigin the name of the task or the file that the pairs are from
 */
public record Study(
        AnalysisOptions options,
        Console console,
        Checkpoint checkpoint,
        ModelVocabulary vocabulary,
        PromptPairs pairs,
        String pairsOrigin)
        implements AutoCloseable {

    /** Opens the model's checkpoint, and reads the pairs and checks them against it. */
    public static Study of(AnalysisOptions options, PairOptions pairs, Console console) {
        Checkpoint checkpoint = options.open(console);
        try {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            return new Study(
                    options,
                    console,
                    checkpoint,
                    vocabulary,
                    pairs.read(checkpoint.config(), vocabulary),
                    pairs.origin());
        } catch (RuntimeException | Error failure) {
            checkpoint.close();
            throw failure;
        }
    }

    /** The model's name. */
    public String model() {
        return checkpoint.name();
    }

    /** The model and the origin of the pairs, in words. */
    public String origin() {
        return model() + ", " + pairsOrigin;
    }

    public Gpt2Config config() {
        return checkpoint.config();
    }

    /** Starts the model with weights processed as was chosen. */
    public Gpt2 start() {
        return start(options.weights(checkpoint));
    }

    /** Starts the model with these weights. */
    public Gpt2 start(Gpt2Weights weights) {
        return options.start(weights, console);
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
