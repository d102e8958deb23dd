package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.Printable;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.internal.FileTypes;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The latents that fire in sequences of one length, as the cache of delphi has them, by which it explains features: a
 * safetensors file with {@code locations} {@code [n, 3]}, the sequence, position and latent of each value that is not
 * zero, in that order; {@code activations} {@code [n]}, these values; and {@code tokens} {@code [sequences, length]}.
 * It is collected in memory, eight bytes a value, and then written. Not thread-safe.
 */
public final class LatentCache {
    private static final int MAX_TOKENS = 1 << 28;

    private static final int CHUNK = 1 << 16;
    private static final int COLUMNS = 3;
    private static final int U16_VALUES = 1 << 16;

    private final Form form;
    private final int[] tokens;
    private final int[] counts;
    private final List<int[]> latents = new ArrayList<>();
    private final List<float[]> values = new ArrayList<>();
    private long count;
    private int row;
    private int tokenCount;

    /** The shape of a cache but for the number of values, and its types. */
    record Form(int sequences, int length, Dtype locations, Dtype activations, Dtype tokens) {
        /**
         * The form in which integers take two bytes each where that is enough, as delphi itself has it, and else four.
         *
         * @param latents their number, those that never fire included
         * @param vocabulary number of tokens that there are
         */
        static Form compact(int sequences, int length, int latents, int vocabulary, ElementType values) {
            boolean small = Math.max(Math.max(sequences, length), latents) <= U16_VALUES;
            return new Form(
                    sequences,
                    length,
                    small ? Dtype.U16 : Dtype.U32,
                    FileTypes.of(values),
                    vocabulary <= U16_VALUES ? Dtype.U16 : Dtype.U32);
        }

        /** The layout of a file of so many values. */
        SafetensorsLayout layout(long count, Map<String, String> metadata) {
            return SafetensorsLayout.of(
                    List.of(
                            new TensorEntry("locations", locations, List.of(count, (long) COLUMNS)),
                            new TensorEntry("activations", activations, List.of(count)),
                            new TensorEntry("tokens", tokens, List.of((long) sequences, (long) length))),
                    metadata);
        }

        /** Bytes that a value takes. */
        int bytesPerLatent() {
            return COLUMNS * locations.bytes() + activations.bytes();
        }
    }

    LatentCache(Form form) {
        this.form = form;
        tokens = new int[Math.multiplyExact(form.sequences(), form.length())];
        counts = new int[tokens.length];
    }

    /**
     * A cache whose integers take eight bytes each, and values four.
     *
     * @throws BadInputException if there is no sequence, none of its tokens, or more than 2^28 of all
     */
    public static LatentCache of(int sequences, int length) {
        if (sequences < 1 || length < 1) {
            throw new BadInputException("a cache of latents needs at least one sequence of one token, found "
                    + sequences + " of " + length);
        }
        if ((long) sequences * length > MAX_TOKENS) {
            throw new BadInputException(
                    "a cache of latents holds at most " + MAX_TOKENS + " tokens, found " + (long) sequences * length);
        }
        return new LatentCache(new Form(sequences, length, Dtype.I64, Dtype.F32, Dtype.I64));
    }

    /**
     * Adds the next token of the sequences, which follow one another.
     *
     * @throws BadInputException if all tokens are there
     */
    public void token(int token) {
        BadInputException.requireIndex("token", tokenCount, tokens.length);
        tokens[tokenCount++] = token;
    }

    /**
     * Adds a value that is not zero.
     *
     * @param of index of its token, counted through all sequences; at least that of the value before
     * @param latent above that of the value before, if the token is the same
     * @throws BadInputException if there is no such token, or it comes before that of the value before
     */
    public void add(int of, int latent, float value) {
        if (of < row || of >= counts.length) {
            throw new BadInputException(
                    "the latents of token " + of + " cannot follow those of token " + row + " of " + counts.length);
        }
        row = of;
        counts[of]++;
        int at = (int) (count++ % CHUNK);
        if (at == 0) {
            latents.add(new int[CHUNK]);
            values.add(new float[CHUNK]);
        }
        latents.getLast()[at] = latent;
        values.getLast()[at] = value;
    }

    /** Number of values so far. */
    public long count() {
        return count;
    }

    /**
     * Writes the file.
     *
     * @param channel at its start, for writing
     * @return finite values that became infinite because their type has none so large
     */
    public long write(FileChannel channel, Map<String, String> metadata) throws IOException {
        TensorFileWriter writer = new TensorFileWriter(channel, form.layout(count, metadata));
        int[] triples = new int[COLUMNS * CHUNK];
        int token = 0;
        int left = counts[0];
        for (int c = 0; c < latents.size(); c++) {
            int size = size(c);
            for (int i = 0; i < size; i++) {
                while (left == 0) {
                    left = counts[++token];
                }
                left--;
                triples[COLUMNS * i] = token / form.length();
                triples[COLUMNS * i + 1] = token % form.length();
                triples[COLUMNS * i + 2] = latents.get(c)[i];
            }
            writer.append("locations", triples, 0, COLUMNS * size);
            writer.append("activations", values.get(c), 0, size);
        }
        writer.append("tokens", tokens, 0, tokens.length);
        writer.finish();
        return writer.overflowed();
    }

    private int size(int chunk) {
        return chunk < latents.size() - 1 ? CHUNK : (int) (count - (long) chunk * CHUNK);
    }

    @Override
    public String toString() {
        return Printable.plural(count, "activation") + " of latents, " + Printable.plural(tokenCount, "token");
    }
}
