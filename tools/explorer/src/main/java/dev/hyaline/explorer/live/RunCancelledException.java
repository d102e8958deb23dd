package dev.hyaline.explorer.live;

/** Thrown inside a run that nobody waits for any more. */
final class RunCancelledException extends RuntimeException {
    private static final long serialVersionUID = 1;

    RunCancelledException() {
        super("the run was cancelled", null, false, false);
    }
}
