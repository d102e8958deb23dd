package dev.hyaline.explorer.live;

import dev.hyaline.instrument.dump.ActivationStore;

/**
 * A dump whose rows a page may read.
 *
 * @param name shown on the page
 * @param store must stay open while a server has it
 */
public record ExploredDump(String name, ActivationStore store) {}
