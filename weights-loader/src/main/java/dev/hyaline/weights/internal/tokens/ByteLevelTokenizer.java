package dev.hyaline.weights.internal.tokens;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.files.Utf8;
import dev.hyaline.weights.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.util.Collection;
import java.util.Optional;
import java.util.OptionalInt;

/** A vocabulary of byte strings, tokens found in the text itself, and an encoder for the rest. */
final class ByteLevelTokenizer implements Tokenizer {
    private static final byte[] REPLACEMENT = {(byte) 0xEF, (byte) 0xBF, (byte) 0xBD};

    private final byte[][] bytes;
    private final AddedTokens added;
    private final PieceEncoder pieces;
    private final OptionalInt endOfText;

    /** @param bytes of each token; null for an id without one */
    ByteLevelTokenizer(byte[][] bytes, Collection<AddedToken> added, PieceEncoder pieces, OptionalInt endOfText) {
        this.bytes = bytes;
        this.added = new AddedTokens(added);
        this.pieces = pieces;
        this.endOfText = endOfText;
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
    public String decode(int... ids) {
        ByteArrayOutputStream text = new ByteArrayOutputStream(8 * ids.length);
        for (int id : ids) {
            byte[] known = known(id);
            text.writeBytes(known == null ? REPLACEMENT : known);
        }
        return Utf8.lossy(text.toByteArray());
    }

    @Override
    public Optional<byte[]> bytes(int id) {
        return Optional.ofNullable(known(id)).map(byte[]::clone);
    }

    private byte[] known(int id) {
        if (id < 0) {
            throw new BadInputException("a token id must be at least 0, found " + id);
        }
        return id < bytes.length ? bytes[id] : null;
    }

    @Override
    public int endOfText() {
        return endOfText.orElseThrow(
                () -> new BadInputException("this checkpoint's tokenizer has no token that ends a text"));
    }

    @Override
    public int vocabularySize() {
        return bytes.length;
    }
}
