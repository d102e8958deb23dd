package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.HyalineException;
import dev.hyaline.engine.KernelChoice;

/** A process that says which kernels it has, or why it has none. */
final class PrintKernels {
    private PrintKernels() {}

    @SuppressWarnings("SystemOut")
    public static void main(String[] args) {
        try {
            KernelChoice choice = Gpt2.availableKernels();
            System.out.println(choice.name() + ": " + choice.reason());
        } catch (HyalineException e) {
            System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
        }
    }
}
