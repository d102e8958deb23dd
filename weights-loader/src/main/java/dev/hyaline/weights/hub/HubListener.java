package dev.hyaline.weights.hub;

/** A listener to the progress of a download, called on the thread that started it. */
public interface HubListener {
    /** A listener that does nothing. */
    HubListener SILENT = new HubListener() {};

    /**
     * Called when a download of this many bytes in all begins. May be called again with a larger number when shards of
     * the weights turn out to be needed.
     */
    default void total(long bytes) {}

    /**
     * Called when this many more bytes are present, also from an earlier try; negative if some must be fetched again.
     */
    default void advanced(long bytes) {}

    /** Called when something delays the download, with a sentence without a full stop. */
    default void note(String sentence) {}
}
