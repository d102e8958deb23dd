package dev.hyaline.weights.internal.tokens;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Utf8;
import dev.hyaline.weights.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A vocabulary of byte strings, tokens found in the text itself, and an encoder for the rest. */
final class ByteLevelTokenizer implements Tokenizer {
    private static final byte[] REPLACEMENT = {(byte) 0xEF, (byte) 0xBF, (byte) 0xBD};

    private final byte[][] bytes;
    private final AddedTokens added;
    private final PieceEncoder pieces;
    private final TextMarks marks;
    private final int limit;

    /**
     * @param bytes of each token, where an id has one
     * @param modelSize tokens of the model, which may be more than have bytes
     */
    ByteLevelTokenizer(
            byte[] @Nullable [] bytes, AddedTokens added, PieceEncoder pieces, TextMarks marks, int modelSize) {
        this.bytes = bytes;
        this.added = added;
        this.pieces = pieces;
        this.marks = marks;
        this.limit = Math.max(bytes.length, modelSize);
    }

    @Override
    public int[] encode(String text) {
        int broken = Utf8.loneSurrogate(text);
        if (broken >= 0) {
            throw new BadInputException("text must be well-formed Unicode, found half a surrogate pair at " + broken);
        }
        IntList tokens = new IntList();
        added.encode(text, pieces, tokens);
        return tokens.toArray();
    }

    @Override
    public int[] encodePrompt(String text) {
        int[] encoded = encode(text);
        IntList tokens = new IntList();
        tokens.add(beginOfText());
        for (int token : encoded) {
            tokens.add(token);
        }
        marks.after().forEach(tokens::add);
        return tokens.toArray();
    }

    @Override
    public String decode(int... ids) {
        ByteArrayOutputStream text = new ByteArrayOutputStream(8 * ids.length);
        for (int id : ids) {
            byte @Nullable [] known = known(id);
            text.writeBytes(known == null ? REPLACEMENT : known);
        }
        return Utf8.lossy(text.toByteArray());
    }

    @Override
    public Optional<byte[]> bytes(int id) {
        return Optional.ofNullable(known(id)).map(byte[]::clone);
    }

    private byte @Nullable [] known(int id) {
        if (id < 0 || id >= limit) {
            throw new BadInputException("a token id must be from 0 to " + (limit - 1) + ", found " + id);
        }
        return id < bytes.length ? bytes[id] : null;
    }

    @Override
    public int beginOfText() {
        if (marks.begin() == null) {
            throw new BadInputException("this checkpoint's tokenizer has no token that begins or ends a text");
        }
        return marks.begin();
    }

    @Override
    public int endOfText() {
        if (marks.end() == null) {
            throw new BadInputException("this checkpoint's tokenizer has no token that ends a text");
        }
        return marks.end();
    }

    @Override
    public List<Integer> endsOfText() {
        return marks.ends();
    }

    @Override
    public int vocabularySize() {
        return bytes.length;
    }
}
