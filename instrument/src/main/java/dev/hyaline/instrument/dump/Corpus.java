package dev.hyaline.instrument.dump;

import java.util.List;
import java.util.stream.Stream;

/** Any number of documents, never in memory all at once. Documents are called by their index, from 0. */
@FunctionalInterface
public interface Corpus {
    /**
     * The documents from the first on, the same each time. The caller closes the stream and reads it on one thread, one
     * document after the other.
     */
    Stream<Document> documents();

    /** Documents that are in memory. */
    static Corpus of(List<Document> documents) {
        List<Document> copy = List.copyOf(documents);
        return copy::stream;
    }
}
