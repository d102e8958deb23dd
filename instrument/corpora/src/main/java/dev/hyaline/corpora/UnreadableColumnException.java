package dev.hyaline.corpora;

import java.io.IOException;

/** A sound file that holds no documents, or not as they are read. */
final class UnreadableColumnException extends IOException {
    private static final long serialVersionUID = 1L;

    UnreadableColumnException(String message) {
        super(message);
    }
}
