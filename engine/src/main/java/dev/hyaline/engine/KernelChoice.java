package dev.hyaline.engine;

/**
 * The kernels that an engine runs on, and the reason.
 *
 * @param name {@code scalar}, or {@code vector} and the bits of a vector, as in {@code vector512}
 * @param reason a clause that explains the choice
 */
public record KernelChoice(String name, String reason) {}
