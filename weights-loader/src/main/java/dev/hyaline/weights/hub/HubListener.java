package dev.hyaline.weights.hub;

/** Hears of a download while it goes on, on the thread that asked for it. */
public interface HubListener {
    /** Hears nothing. */
    HubListener SILENT = new HubListener() {};

    /**
     * A download begins, of this many bytes in all. Can be called again, with a larger number, when shards of the
     * weights turn out to be needed.
     */
    default void total(long bytes) {}

    /** This many more bytes are there, be it from an earlier try; negative when some have to be fetched again. */
    default void advanced(long bytes) {}

    /** Something that holds up the download, as a sentence without a full stop. */
    default void note(String sentence) {}
}
