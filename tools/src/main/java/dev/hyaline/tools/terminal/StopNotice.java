package dev.hyaline.tools.terminal;

/** Tells whoever stops long work how to go on with it. */
public final class StopNotice implements AutoCloseable {
    private final Thread hook;

    public StopNotice(Console console, String howToGoOn) {
        hook = new Thread(() -> tell(console, howToGoOn), "hyaline-stop-notice");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Begins a line of its own, after the ^C that a terminal shows, or a bar. */
    static void tell(Console console, String howToGoOn) {
        if (console.progress()) {
            console.err().println();
        }
        console.err().println("hyaline: stopped; " + howToGoOn);
        console.err().flush();
    }

    /** There is nothing to go on with. */
    public void cancel() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is already shutting down: the notice is given.
        }
    }

    @Override
    public void close() {
        cancel();
    }
}
