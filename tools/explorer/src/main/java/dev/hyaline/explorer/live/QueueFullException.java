package dev.hyaline.explorer.live;

/** Thrown when as many runs wait already as may. */
final class QueueFullException extends Exception {
    private static final long serialVersionUID = 1;

    QueueFullException(int waiting) {
        super(waiting + " runs wait already; ask again when one has ended", null, false, false);
    }
}
