package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.files.EscapedText;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** A model's tokens as text. A model without a tokenizer still takes token ids. */
public final class ModelVocabulary {
    private final @Nullable Tokenizer tokenizer;
    private final List<Integer> ends;
    /** Of a model without a tokenizer. */
    private final @Nullable Integer begin;

    public ModelVocabulary(Checkpoint checkpoint) {
        tokenizer = checkpoint.hasTokenizer() ? checkpoint.tokenizer() : null;
        ends = tokenizer == null ? checkpoint.endsOfText() : tokenizer.endsOfText();
        OptionalInt token = tokenizer == null ? checkpoint.beginOfText() : OptionalInt.empty();
        begin = token.isPresent() ? token.getAsInt() : null;
    }

    public Optional<Tokenizer> tokenizer() {
        return Optional.ofNullable(tokenizer);
    }

    /** The tokenizer, or an error that says how to do without. */
    public Tokenizer required() {
        return tokenizer()
                .orElseThrow(
                        () -> new BadInputException("the model has no tokenizer files; give token ids with --tokens"));
    }

    /** The token ids of a text, with the tokens that mark its bounds if {@code begin}. */
    public int[] encode(String text, boolean begin) {
        return begin ? required().encodePrompt(text) : required().encode(text);
    }

    /** The token put before a text, also known without a tokenizer if the model's configuration names it. */
    public OptionalInt beginOfText() {
        if (tokenizer != null) {
            return OptionalInt.of(tokenizer.beginOfText());
        }
        return begin == null ? OptionalInt.empty() : OptionalInt.of(begin);
    }

    /** All tokens that end a text. */
    public List<Integer> ends() {
        return ends;
    }

    /** Tokens without the one that ends their text, if one does. */
    public int[] withoutEnd(int[] tokens) {
        boolean ended = tokens.length > 0 && ends.contains(tokens[tokens.length - 1]);
        return ended ? Arrays.copyOf(tokens, tokens.length - 1) : tokens;
    }

    /** The text of a token; empty if the model has no tokenizer. */
    public String text(int token) {
        return tokenizer().map(t -> t.token(token)).orElse("");
    }

    /**
     * The text of a token in quotes, with blanks, line ends and partial characters visible; its id if it has no text.
     */
    public String quoted(int token) {
        return bytes(token).map(bytes -> '"' + EscapedText.bytes(bytes) + '"').orElse("#" + token);
    }

    /** Like {@link #quoted} but without quotes and surrounding blanks, for a label. */
    public String label(int token) {
        return bytes(token).map(bytes -> EscapedText.bytes(bytes).strip()).orElse("#" + token);
    }

    /** The token as a page shows it. */
    public ViewToken shown(int token) {
        return bytes(token).map(bytes -> ViewToken.of(token, bytes)).orElseGet(() -> ViewToken.of(token));
    }

    private Optional<byte[]> bytes(int token) {
        return tokenizer().flatMap(t -> t.bytes(token));
    }
}
