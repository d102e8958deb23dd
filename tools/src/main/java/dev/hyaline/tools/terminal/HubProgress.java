package dev.hyaline.tools.terminal;

import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubName;

/** Shows a download. */
public final class HubProgress implements HubListener, AutoCloseable {
    private final Console console;
    private final HubName name;
    private ConsoleProgress progress;
    private long done;

    public HubProgress(Console console, HubName name) {
        this.console = console;
        this.name = name;
    }

    @Override
    public void total(long bytes) {
        close();
        progress = ConsoleProgress.ofBytes(console, name.toString(), bytes);
        progress.advance(done);
    }

    @Override
    public void advanced(long bytes) {
        done += bytes;
        progress.advance(bytes);
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
