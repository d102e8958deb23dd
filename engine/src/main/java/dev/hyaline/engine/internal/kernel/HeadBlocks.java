package dev.hyaline.engine.internal.kernel;

/**
 * A head's keys or values, in blocks of {@link Kernels#KEYS_PER_BLOCK} positions. The vector kernels take it apart at
 * once, so that C2 allocates none.
 *
 * @param blocks keys {@code [dHead][KEYS_PER_BLOCK]}, or values {@code [KEYS_PER_BLOCK][dHead]}
 * @param at where the head's part begins in each block
 */
public record HeadBlocks(float[][] blocks, int at, int dHead) {}
