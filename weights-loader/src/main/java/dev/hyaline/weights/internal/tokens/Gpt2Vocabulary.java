package dev.hyaline.weights.internal.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import dev.hyaline.weights.Tokenizer;
import java.util.List;

/** GPT-2's vocabulary and merges from jtokkit, loaded on first use. */
public final class Gpt2Vocabulary {
    /** The number of tokens. */
    public static final int SIZE = 50257;

    /** The next multiple of 64, which nanoGPT pads the embedding to. */
    public static final int PADDED_SIZE = 50304;

    static final String END_OF_TEXT = "<|endoftext|>";

    private static final int END_ID = SIZE - 1;

    private Gpt2Vocabulary() {}

    /** The shared instance. */
    public static Tokenizer tokenizer() {
        return Holder.TOKENIZER;
    }

    /** The bytes of each token. */
    static byte[][] bytes() {
        return Holder.BYTES;
    }

    /** The encoder of the text between added tokens. */
    static PieceEncoder pieces() {
        return (text, tokens) -> {
            IntArrayList encoded = Holder.ENCODING.encodeOrdinary(text);
            for (int i = 0; i < encoded.size(); i++) {
                tokens.add(encoded.get(i));
            }
        };
    }

    private static byte[][] load(Encoding encoding) {
        byte[][] bytes = new byte[SIZE][];
        for (int id = 0; id < END_ID; id++) {
            IntArrayList one = new IntArrayList(1);
            one.add(id);
            bytes[id] = encoding.decodeBytes(one);
        }
        bytes[END_ID] = END_OF_TEXT.getBytes(UTF_8);
        return bytes;
    }

    private static final class Holder {
        static final Encoding ENCODING = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
        static final byte[][] BYTES = load(ENCODING);
        static final Tokenizer TOKENIZER = new ByteLevelTokenizer(
                BYTES,
                new AddedTokens(List.of(AddedToken.plain(END_ID, END_OF_TEXT)), false),
                pieces(),
                TextMarks.choose(TextMarks.Named.NONE, ModelTokens.UNKNOWN, SIZE, END_ID),
                SIZE);
    }
}
