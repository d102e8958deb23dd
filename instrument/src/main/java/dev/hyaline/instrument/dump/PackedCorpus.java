package dev.hyaline.instrument.dump;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.instrument.Prompts;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * A corpus joined and cut into windows, each of which is a document. A tail shorter than a window is dropped.
 *
 * @param window tokens of a window
 * @param firstWindow index of the first window, by which it is named
 * @param skipped tokens before the first window
 */
record PackedCorpus(Gpt2Config config, Corpus corpus, int window, long firstWindow, long skipped) implements Corpus {
    /** Counts documents as they are. */
    static CorpusCounts count(Gpt2Config config, Corpus corpus) {
        long documents = 0;
        long tokens = 0;
        try (Stream<Document> all = corpus.documents()) {
            for (Iterator<Document> next = all.iterator(); next.hasNext(); documents++) {
                Document document = next.next();
                Prompts.requireKnown(config, document.tokens(), document.name());
                tokens += document.tokens().length;
            }
        }
        return new CorpusCounts(documents, tokens, 0);
    }

    @Override
    public Stream<Document> documents() {
        Stream<Document> documents = corpus.documents();
        Windows windows = new Windows(documents.iterator());
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(windows, Spliterator.ORDERED), false)
                .onClose(documents::close);
    }

    private final class Windows implements Iterator<Document> {
        private final Iterator<Document> documents;
        /** The document being cut, and where what is left of it starts. */
        private int[] tokens = {};

        private int start;
        private long skip = skipped;
        private long index = firstWindow;
        private int[] filling = new int[window];
        private int filled;
        private @Nullable Document next;

        Windows(Iterator<Document> documents) {
            this.documents = documents;
        }

        @Override
        public boolean hasNext() {
            while (next == null) {
                if (start == tokens.length) {
                    if (!documents.hasNext()) {
                        return false;
                    }
                    Document document = documents.next();
                    Prompts.requireKnown(config, document.tokens(), document.name());
                    tokens = document.tokens();
                    start = 0;
                }
                int skippedHere = (int) Math.min(skip, tokens.length - start);
                skip -= skippedHere;
                start += skippedHere;
                int taken = Math.min(window - filled, tokens.length - start);
                System.arraycopy(tokens, start, filling, filled, taken);
                start += taken;
                filled += taken;
                if (filled == window) {
                    next = new Document("window " + index++, filling);
                    filling = new int[window];
                    filled = 0;
                }
            }
            return true;
        }

        @Override
        public Document next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Document document = Objects.requireNonNull(next);
            next = null;
            return document;
        }
    }
}
