package dev.hyaline.engine.internal.forward;

/** How many positions of a sequence are kept, and which of them may be written again. */
public final class KeptPositions {
    private int length;
    private int writableFrom;

    /** None yet. */
    public KeptPositions() {}

    /**
     * The first {@code length} positions of another sequence, of which those from {@code writableFrom} on are its own.
     */
    public KeptPositions(int length, int writableFrom) {
        this.length = length;
        this.writableFrom = writableFrom;
    }

    int length() {
        return length;
    }

    int writableFrom() {
        return writableFrom;
    }

    void advance(int newLength) {
        length = newLength;
        writableFrom = newLength;
    }

    /** Writes nothing of what is kept again, since a copy shares it. */
    public void share() {
        writableFrom = length;
    }
}
