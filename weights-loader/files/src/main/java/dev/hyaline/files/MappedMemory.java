package dev.hyaline.files;

/** Files mapped into memory. */
public final class MappedMemory {
    private static final Object LOCK = new Object();

    private MappedMemory() {}

    /**
     * Checks that mapped memory was still there when it was read; call it right after reading. The JVM reports a file
     * that was cut short by an {@link InternalError}, but compiled code only throws it at the next safepoint, which may
     * come after the reader has returned wrong values.
     *
     * @throws InternalError if memory that this thread has read no longer exists
     */
    public static void requireWhole() {
        // Threads throw such errors on return from any native method that the JIT does not replace.
        boolean held = Thread.holdsLock(LOCK);
        assert !held;
    }
}
