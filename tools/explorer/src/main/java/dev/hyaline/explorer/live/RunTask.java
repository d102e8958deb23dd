package dev.hyaline.explorer.live;

/** A run's work. */
@FunctionalInterface
interface RunTask {
    /** Returns the body of the answer. */
    byte[] run(RunProgress progress);
}
