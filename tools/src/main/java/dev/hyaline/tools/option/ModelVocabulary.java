package dev.hyaline.tools.option;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.tools.terminal.EscapedText;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/** A model's tokens as text, as far as it has a tokenizer: a checkpoint without one still takes token ids. */
public final class ModelVocabulary {
    private final Optional<Tokenizer> tokenizer;

    public ModelVocabulary(Checkpoint checkpoint) {
        tokenizer = checkpoint.hasTokenizer() ? Optional.of(checkpoint.tokenizer()) : Optional.empty();
    }

    public Optional<Tokenizer> tokenizer() {
        return tokenizer;
    }

    /** The tokenizer, for what cannot do without. */
    public Tokenizer required() {
        return tokenizer.orElseThrow(
                () -> new BadInputException("the model has no tokenizer files; give token ids with --tokens"));
    }

    /** Token ids of a text, the end-of-text token before them if {@code begin}. */
    public int[] encode(String text, boolean begin) {
        int[] tokens = required().encode(text);
        return begin
                ? IntStream.concat(IntStream.of(required().endOfText()), Arrays.stream(tokens))
                        .toArray()
                : tokens;
    }

    /** Text of a token; empty if the model has no tokenizer. */
    public String text(int token) {
        return tokenizer.map(t -> t.token(token)).orElse("");
    }

    /** Text of a token in quotes, so that blanks, line ends and half characters are seen; its id if it has no text. */
    public String quoted(int token) {
        return bytes(token).map(bytes -> '"' + EscapedText.bytes(bytes) + '"').orElse("#" + token);
    }

    /** As {@link #quoted}, without the quotes and the blanks around it, for a label. */
    public String label(int token) {
        return bytes(token).map(bytes -> EscapedText.bytes(bytes).strip()).orElse("#" + token);
    }

    private Optional<byte[]> bytes(int token) {
        return tokenizer.flatMap(t -> t.bytes(token));
    }
}
