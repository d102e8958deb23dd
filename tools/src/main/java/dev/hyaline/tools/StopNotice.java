package dev.hyaline.tools;

/** Tells whoever stops a dump in shards how to go on with it. */
final class StopNotice implements AutoCloseable {
    private final Thread hook;

    StopNotice(Console console) {
        hook = new Thread(
                () -> {
                    console.err().println("hyaline: stopped; the same command with --resume goes on");
                    console.err().flush();
                },
                "hyaline-stop-notice");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** There is nothing to go on with. */
    void cancel() {
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
