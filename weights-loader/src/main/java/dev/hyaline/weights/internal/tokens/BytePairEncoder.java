package dev.hyaline.weights.internal.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.files.Utf8;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Byte-pair encoding: a word's bytes are tokens, and neighbours are merged, the merge of least rank first and from the
 * left, until no merge applies (<a href="https://arxiv.org/abs/1508.07909">Sennrich et al. 2016</a>). With a queue of
 * possible merges, a word of n bytes takes n log n steps.
 */
final class BytePairEncoder implements PieceEncoder {
    private final int[] byteTokens;
    private final Merges merges;
    private final Map<String, Integer> wholeWords;
    private final boolean splitWords;

    /**
     * @param byteTokens the token of each byte; -1 where the vocabulary has none
     * @param wholeWords tokens for the words they equal, whatever the merges say, spelled in the byte alphabet; usually
     *     none
     * @param splitWords whether merges stop at the bounds of GPT-2's {@link Words}
     */
    BytePairEncoder(int[] byteTokens, Merges merges, Map<String, Integer> wholeWords, boolean splitWords) {
        this.byteTokens = byteTokens;
        this.merges = merges;
        this.wholeWords = wholeWords;
        this.splitWords = splitWords;
    }

    @Override
    public void encode(String text, IntList tokens) {
        Workspace workspace = new Workspace();
        for (int at = 0; at < text.length(); ) {
            int next = splitWords ? Words.end(text, at) : text.length();
            encode(text.substring(at, next).getBytes(UTF_8), workspace, tokens);
            at = next;
        }
    }

    /** Appends the tokens of one word, which may be any bytes. */
    void encode(byte[] word, Workspace workspace, IntList tokens) {
        if (!wholeWords.isEmpty()) {
            Integer whole = wholeWords.get(ByteAlphabet.spell(word));
            if (whole != null) {
                tokens.add(whole);
                return;
            }
        }
        workspace.load(word.length);
        for (int i = 0; i < word.length; i++) {
            int token = byteTokens[word[i] & 0xFF];
            if (token < 0) {
                throw new BadInputException("the tokenizer has no token for byte "
                        + String.format(Locale.ROOT, "0x%02X", word[i]) + " in " + Printable.quoted(Utf8.lossy(word)));
            }
            workspace.token[i] = token;
        }
        workspace.mergeAll(merges);
        for (int i = 0; i >= 0; i = workspace.next[i]) {
            tokens.add(workspace.token[i]);
        }
    }

    /**
     * A word's tokens as a doubly linked list in arrays, reused from word to word. A token is at the index of its first
     * byte.
     */
    static final class Workspace {
        private static final int NONE = -1;

        private int[] token = new int[64];
        private int[] previous = new int[64];
        private int[] next = new int[64];

        /**
         * The merges that were possible when they were added: the rank in the upper half, the index of the left token
         * in the lower.
         */
        private final PriorityQueue<Long> queue = new PriorityQueue<>();

        void load(int length) {
            if (length > token.length) {
                int capacity = Math.max(length, 2 * token.length);
                token = new int[capacity];
                previous = new int[capacity];
                next = new int[capacity];
            }
            for (int i = 0; i < length; i++) {
                previous[i] = i - 1;
                next[i] = i + 1 < length ? i + 1 : NONE;
            }
        }

        void mergeAll(Merges merges) {
            for (int i = 0; next[i] != NONE; i++) {
                offer(merges, i);
            }
            while (!queue.isEmpty()) {
                long first = queue.poll();
                int left = (int) first;
                Merges.Merge merge = mergeAt(merges, left);
                if (merge == null || merge.rank() != first >> Integer.SIZE) {
                    continue; // One of the two has been merged otherwise since.
                }
                int right = next[left];
                token[left] = merge.token();
                token[right] = NONE;
                next[left] = next[right];
                if (next[left] != NONE) {
                    previous[next[left]] = left;
                    offer(merges, left);
                }
                if (previous[left] != NONE) {
                    offer(merges, previous[left]);
                }
            }
        }

        private void offer(Merges merges, int left) {
            Merges.Merge merge = mergeAt(merges, left);
            if (merge != null) {
                queue.add((long) merge.rank() << Integer.SIZE | left);
            }
        }

        private Merges.@Nullable Merge mergeAt(Merges merges, int left) {
            return token[left] == NONE || next[left] == NONE ? null : merges.get(token[left], token[next[left]]);
        }
    }
}
