package dev.hyaline.instrument.dump;

/** Hears how far a dump of a corpus has come. */
public interface CorpusListener {
    /** Hears nothing. */
    CorpusListener NONE = new CorpusListener() {};

    /** So many more tokens were passed over, since an earlier run has written their rows or they get none. */
    default void skipped(long tokens) {}

    /** So many more tokens are through. */
    default void done(long tokens) {}
}
