package dev.hyaline.benchmarks;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;

/**
 * Opens the checkpoint named on the command line and prints the last logit of a prompt of 16 tokens: what a cold start
 * costs.
 */
public final class FirstLogits {
    private FirstLogits() {}

    public static void main(String[] args) {
        try (Checkpoint checkpoint = Checkpoint.open(Path.of(args[0]));
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            int[] tokens = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
            float[] logits = model.logits(tokens);
            System.out.println(logits[logits.length - 1]);
        }
    }
}
