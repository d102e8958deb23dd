package dev.hyaline.tools.terminal;

import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubName;
import org.jspecify.annotations.Nullable;

/** The progress of a download. */
public final class HubProgress implements HubListener, AutoCloseable {
    private final Console console;
    private final HubName name;
    private @Nullable ConsoleProgress progress;
    private long done;

    public HubProgress(Console console, HubName name) {
        this.console = console;
        this.name = name;
    }

    @Override
    public void total(long bytes) {
        close();
        ConsoleProgress begun = ConsoleProgress.ofBytes(console, name.toString(), bytes);
        begun.advance(done);
        progress = begun;
    }

    @Override
    public void advanced(long bytes) {
        done += bytes;
        if (progress != null) {
            progress.advance(bytes);
        }
    }

    @Override
    public void note(String sentence) {
        console.err().println("hyaline: " + sentence);
        console.err().flush();
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
        }
    }
}
