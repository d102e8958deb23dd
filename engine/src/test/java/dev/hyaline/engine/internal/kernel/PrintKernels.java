package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.KernelChoice;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.RandomModels;
import java.util.Arrays;

/** A process that says which kernels it has, or why it has none, or the hash of what they compute. */
final class PrintKernels {
    private PrintKernels() {}

    @SuppressWarnings("SystemOut")
    public static void main(String[] args) {
        try {
            if (System.getProperty("print", "").equals("logits")) {
                System.out.println("logits " + Arrays.hashCode(logits()));
                return;
            }
            KernelChoice choice = Gpt2.availableKernels();
            System.out.println(choice.name() + ": " + choice.reason());
        } catch (HyalineException e) {
            System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
        }
    }

    /** Logits of a small model. */
    static float[] logits() {
        try (Gpt2 model = Gpt2.of(RandomModels.weights(RandomModels.ODD, 1), 2)) {
            return model.logits(RandomModels.tokens(RandomModels.ODD, 70, 6));
        }
    }
}
