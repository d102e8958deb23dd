package dev.hyaline.instrument.dump;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.Prompts;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Reads a corpus as a dump runs it: documents checked, long ones cut, rows chosen, everything counted and hashed on the
 * way. Two readings of one corpus give the same pieces.
 */
final class CorpusReader implements AutoCloseable {
    /**
     * Tokens that the model takes at once.
     *
     * @param document index of the document they are of
     * @param start index in the document of the first
     * @param rows indices of the tokens that get a row, ascending
     */
    record Piece(String name, long document, int start, int[] tokens, int[] rows) {
        /** Tokens that must be run: what follows the last row changes none. */
        int[] needed() {
            return Arrays.copyOf(tokens, rows[rows.length - 1] + 1);
        }
    }

    private final Gpt2Config config;
    private final TokenFilter filter;
    private final LongDocuments longDocuments;
    private final Stream<Document> stream;
    private final Iterator<Document> iterator;
    private final MessageDigest digest = Digests.sha256();
    /** The document being cut, and where its next piece starts. */
    private Document document = new Document("", new int[0]);

    private int start;
    private long documents;
    private long tokens;
    private long rows;
    /** Tokens that passed all filters but the last. */
    private long candidates;

    /**
     * Begins to read.
     *
     * @param before counts of the documents before these
     */
    CorpusReader(
            Gpt2Config config, Corpus corpus, TokenFilter filter, LongDocuments longDocuments, CorpusCounts before) {
        this.config = config;
        this.documents = before.documents();
        this.tokens = before.tokens();
        this.candidates = before.candidates();
        this.rows = before.rows(filter.every());
        this.filter = filter;
        this.longDocuments = longDocuments;
        this.stream = corpus.documents();
        this.iterator = stream.iterator();
    }

    /** The next piece, empty after the last. */
    Optional<Piece> next() {
        if (start == document.tokens().length) {
            if (!iterator.hasNext()) {
                return Optional.empty();
            }
            begin(iterator.next());
        }
        int end = Math.min(start + config.nCtx(), document.tokens().length);
        int[] taken = Arrays.copyOfRange(document.tokens(), start, end);
        Piece piece = new Piece(document.name(), documents - 1, start, taken, chosen(taken));
        start = longDocuments == LongDocuments.TRUNCATE ? document.tokens().length : end;
        tokens += taken.length;
        rows += piece.rows.length;
        return Optional.of(piece);
    }

    private void begin(Document next) {
        Prompts.requireKnown(config, next.tokens(), next.name());
        if (longDocuments == LongDocuments.ERROR && next.tokens().length > config.nCtx()) {
            throw new BadInputException(
                    next.name() + " has " + next.tokens().length + " tokens, but the model has " + config.nCtx()
                            + " positions; have long documents split or truncated (" + Remedy.CUT_LONG_DOCUMENTS + ")");
        }
        document = next;
        start = 0;
        documents++;
        ByteBuffer bytes =
                ByteBuffer.allocate(Integer.BYTES * (next.tokens().length + 1)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(next.tokens().length);
        for (int token : next.tokens()) {
            bytes.putInt(token);
        }
        digest.update(bytes.flip());
    }

    private int[] chosen(int[] taken) {
        int[] positions;
        try {
            positions = filter.positions().in(taken.length, "position");
        } catch (BadInputException e) {
            throw new BadInputException(document.name() + ": " + e.getMessage());
        }
        boolean skipsFirst = start == 0 && filter.skippedFirst() != null && taken[0] == filter.skippedFirst();
        int count = 0;
        for (int position : positions) {
            if (!(skipsFirst && position == 0) && candidates++ % filter.every() == 0) {
                positions[count++] = position;
            }
        }
        return Arrays.copyOf(positions, count);
    }

    /** All counts so far, with those of the documents before. */
    CorpusCounts counts() {
        return new CorpusCounts(documents, tokens, candidates);
    }

    /** Documents begun so far. */
    long documents() {
        return documents;
    }

    /** Tokens so far, without those cut off. */
    long tokens() {
        return tokens;
    }

    /** Rows chosen so far. */
    long rows() {
        return rows;
    }

    /** SHA-256 of the documents so far: of each its number of tokens, then these, as 32-bit numbers, little-endian. */
    String sha256() {
        return Digests.hex(digest);
    }

    @Override
    public void close() {
        stream.close();
    }
}
