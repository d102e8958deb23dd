package dev.hyaline.tools.terminal;

import org.jspecify.annotations.Nullable;

/** A progress bar for each stage of work that has several. */
public final class StageProgress implements AutoCloseable {
    private final Console console;
    private String stage = "";
    private long done;
    private @Nullable ConsoleProgress bar;

    public StageProgress(Console console) {
        this.console = console;
    }

    /**
     * Shows how far a stage is; a stage of another name ends the one before.
     *
     * @param name of the stage
     * @param doneNow steps of it so far
     * @param total steps of it
     */
    public void advanced(String name, long doneNow, long total) {
        ConsoleProgress current = bar;
        if (current == null || !name.equals(stage)) {
            close();
            current = new ConsoleProgress(console, name, "steps", total);
            bar = current;
            stage = name;
            done = 0;
        }
        current.advance(Math.max(0, doneNow - done));
        done = Math.max(done, doneNow);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
