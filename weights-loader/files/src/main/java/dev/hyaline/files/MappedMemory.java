package dev.hyaline.files;

/** Files mapped into memory. */
public final class MappedMemory {
    private static final Object LOCK = new Object();

    private MappedMemory() {}

    /**
     * To be called after mapped memory was read, where its loss can be told of. The JVM reports by an
     * {@link InternalError} that the file was cut short, but compiled code only hears of it at its next safepoint,
     * which may come after the reader has returned what is not in the file.
     *
     * @throws InternalError if memory that this thread has read was gone
     */
    public static void requireWhole() {
        // Any native method that the JIT does not replace: threads take such errors on their way back from it.
        boolean held = Thread.holdsLock(LOCK);
        assert !held;
    }
}
