package dev.hyaline.tools;

import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubName;

/** Shows a download. */
final class HubProgress implements HubListener, AutoCloseable {
    private final Console console;
    private final HubName name;
    private Progress progress;
    private long done;

    HubProgress(Console console, HubName name) {
        this.console = console;
        this.name = name;
    }

    @Override
    public void total(long bytes) {
        close();
        progress = Progress.ofBytes(console, name.toString(), bytes);
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
