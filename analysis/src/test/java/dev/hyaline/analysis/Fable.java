package dev.hyaline.analysis;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.TensorFile;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.List;

/** The built-in model, and the prompts that reference values are of. */
public final class Fable {
    private static final int GOLDEN_PROMPTS = 48;
    private static final int GOLDEN_LENGTH = 64;

    private Fable() {}

    /** The model on two threads, to be closed. */
    public static Gpt2 open() {
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable")) {
            return Gpt2.of(checkpoint.weights(), 2);
        }
    }

    public static Tokenizer tokenizer() {
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable")) {
            return checkpoint.tokenizer();
        }
    }

    /** Puts the end of text before each prompt. */
    public static PromptEncoder encoder() {
        Tokenizer tokenizer = tokenizer();
        return new PromptEncoder(tokenizer::encode, List.of(tokenizer.endOfText()), tokenizer.vocabularySize());
    }

    /** The logit difference of the eight indirect-object pairs of {@link GoldenIoi}. */
    public static Experiment goldenIoi(Gpt2 model) {
        return Experiment.start(model, GoldenIoi.pairs(model.config()), Metric.logitDifference());
    }

    /** The prompts on which the reference measured autoencoders of the model. */
    public static Prompts saePrompts(Gpt2Config config) {
        try (TensorFile file = TensorFile.open(SparseGolden.path("fable/expected.safetensors"))) {
            int[] tokens = Arrays.stream(file.integers("tokens"))
                    .mapToInt(Math::toIntExact)
                    .toArray();
            int[][] prompts = new int[GOLDEN_PROMPTS][];
            for (int s = 0; s < GOLDEN_PROMPTS; s++) {
                prompts[s] = Arrays.copyOfRange(tokens, s * GOLDEN_LENGTH, (s + 1) * GOLDEN_LENGTH);
            }
            return Prompts.of(config, prompts);
        }
    }
}
