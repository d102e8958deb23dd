package dev.hyaline.weights.internal.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import dev.hyaline.weights.Tokenizer;
import java.util.List;
import java.util.OptionalInt;

/** GPT-2's vocabulary and merges as jtokkit carries them, loaded when first asked for. */
public final class Gpt2Vocabulary {
    /** Number of tokens. */
    public static final int SIZE = 50257;

    /** The next multiple of 64, which nanoGPT pads the embedding to. */
    public static final int PADDED_SIZE = 50304;

    static final String END_OF_TEXT = "<|endoftext|>";

    private Gpt2Vocabulary() {}

    /** The one instance. */
    public static Tokenizer tokenizer() {
        return Holder.TOKENIZER;
    }

    private static Tokenizer load() {
        Encoding encoding = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
        int endOfText = SIZE - 1;
        byte[][] bytes = new byte[SIZE][];
        for (int id = 0; id < endOfText; id++) {
            IntArrayList one = new IntArrayList(1);
            one.add(id);
            bytes[id] = encoding.decodeBytes(one);
        }
        bytes[endOfText] = END_OF_TEXT.getBytes(UTF_8);
        return new ByteLevelTokenizer(
                bytes,
                List.of(AddedToken.plain(endOfText, END_OF_TEXT)),
                (text, tokens) -> {
                    IntArrayList encoded = encoding.encodeOrdinary(text);
                    for (int i = 0; i < encoded.size(); i++) {
                        tokens.add(encoded.get(i));
                    }
                },
                OptionalInt.of(endOfText));
    }

    private static final class Holder {
        static final Tokenizer TOKENIZER = load();
    }
}
