package dev.hyaline.tools.terminal;

/** A notice printed when long work is interrupted, saying how to continue it. */
public final class StopNotice implements AutoCloseable {
    private final Thread hook;

    public StopNotice(Console console, String howToGoOn) {
        hook = new Thread(() -> tell(console, howToGoOn), "hyaline-stop-notice");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Prints the notice on a line of its own, after a progress bar or the terminal's ^C. */
    static void tell(Console console, String howToGoOn) {
        if (console.progress()) {
            console.err().println();
        }
        console.err().println("hyaline: stopped; " + howToGoOn);
        console.err().flush();
    }

    /** Cancels the notice, if there is nothing to continue. */
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
