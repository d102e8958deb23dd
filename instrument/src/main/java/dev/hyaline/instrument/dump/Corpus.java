package dev.hyaline.instrument.dump;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
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

    /**
     * A corpus joined and cut into windows of so many tokens, each of which is a document. A tail shorter than a window
     * is dropped.
     *
     * @throws BadInputException if the window has no token, or the model has fewer positions
     */
    static Corpus packed(Gpt2Config config, Corpus corpus, int window) {
        if (window < 1 || window > config.nCtx()) {
            throw new BadInputException("a context window must have from 1 to " + config.nCtx()
                    + " tokens, as many as the model has positions, found " + window);
        }
        return new PackedCorpus(config, corpus, window, 0, 0);
    }

    /** Documents that are in memory. */
    static Corpus of(List<Document> documents) {
        List<Document> copy = List.copyOf(documents);
        return copy::stream;
    }
}
