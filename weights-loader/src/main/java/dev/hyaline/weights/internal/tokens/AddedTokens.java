package dev.hyaline.weights.internal.tokens;

import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A search for added tokens in text like that of Hugging Face's {@code AddedVocabulary}: the leftmost match wins, and
 * of these the longest; the pieces of text in between go to the encoder.
 */
final class AddedTokens {
    private final Finder first;
    private final Finder second;
    private final boolean splitSpecial;

    /** @param splitSpecial whether special tokens are encoded like the rest of a text */
    AddedTokens(Collection<AddedToken> tokens, boolean splitSpecial) {
        this.splitSpecial = splitSpecial;
        first = new Finder(tokens.stream().filter(token -> !token.normalized()));
        second = new Finder(tokens.stream().filter(AddedToken::normalized));
    }

    /** Appends the ids of the added tokens in the text, and the encoder's for the pieces between them. */
    void encode(String text, PieceEncoder pieces, IntList tokens) {
        split(text, first, tokens, (left, ids) -> split(left, second, ids, pieces));
    }

    private void split(String text, Finder finder, IntList tokens, PieceEncoder pieces) {
        int done = 0;
        int blanksEnd = 0;
        for (int at = 0; at < text.length() && !finder.isEmpty(); ) {
            AddedToken found = finder.longestAt(text, at);
            if (found == null) {
                at++;
                continue;
            }
            int start = at;
            int stop = at + found.content().length();
            at = stop;
            if (splitSpecial && found.special()) {
                continue;
            }
            if (found.singleWord() && (endsWithWord(text, start) || startsWithWord(text, stop))) {
                continue;
            }
            if (found.lstrip()) {
                while (start > done && Words.isSpace(text.charAt(start - 1))) {
                    start--;
                }
                start = Math.max(start, done);
            }
            if (found.rstrip()) {
                // Tokens made of blanks are found again in the blanks that one before has taken, as Hugging Face does,
                // unless they would take those to their left too: then nothing is left of them.
                if (stop > blanksEnd) {
                    blanksEnd = endOfBlanks(text, stop);
                }
                stop = blanksEnd;
            }
            if (start >= stop) {
                continue;
            }
            if (start > done) {
                pieces.encode(text.substring(done, start), tokens);
            }
            tokens.add(found.id());
            done = stop;
        }
        if (done < text.length()) {
            pieces.encode(text.substring(done), tokens);
        }
    }

    private static int endOfBlanks(String text, int start) {
        int end = start;
        while (end < text.length() && Words.isSpace(text.charAt(end))) {
            end++;
        }
        return end;
    }

    private static boolean endsWithWord(String text, int end) {
        return end > 0 && isWord(text.codePointBefore(end));
    }

    private static boolean startsWithWord(String text, int start) {
        return start < text.length() && isWord(text.codePointAt(start));
    }

    /** The expression {@code \w} in Unicode (UTS 18, annex C). */
    private static boolean isWord(int c) {
        return Character.isAlphabetic(c)
                || c == 0x200C
                || c == 0x200D
                || switch (Character.getType(c)) {
                    case Character.NON_SPACING_MARK,
                            Character.ENCLOSING_MARK,
                            Character.COMBINING_SPACING_MARK,
                            Character.DECIMAL_DIGIT_NUMBER,
                            Character.CONNECTOR_PUNCTUATION -> true;
                    default -> false;
                };
    }

    /** A subset of the tokens, in the order of their texts. */
    private static final class Finder {
        private final TreeMap<String, Entry> entries = new TreeMap<>();
        private final BitSet firstChars = new BitSet();
        private int longest;

        Finder(Stream<AddedToken> tokens) {
            @Nullable Entry entry = null;
            for (AddedToken token :
                    tokens.sorted(Comparator.comparing(AddedToken::content)).toList()) {
                String text = token.content();
                while (entry != null && !text.startsWith(entry.text())) {
                    entry = entry.shorter();
                }
                entry = new Entry(token, entry);
                entries.put(text, entry);
                firstChars.set(text.charAt(0));
                longest = Math.max(longest, text.length());
            }
        }

        boolean isEmpty() {
            return entries.isEmpty();
        }

        /** The longest token that starts at an index of the text; null if none does. */
        @Nullable
        AddedToken longestAt(String text, int at) {
            if (!firstChars.get(text.charAt(at))) {
                return null;
            }
            // A token that what lies ahead starts with is not after it, and whatever is in between starts with the
            // token too.
            Map.Entry<String, Entry> last =
                    entries.floorEntry(text.substring(at, Math.min(text.length(), at + longest)));
            Entry entry = last == null ? null : last.getValue();
            while (entry != null && !text.startsWith(entry.text(), at)) {
                entry = entry.shorter();
            }
            return entry == null ? null : entry.token();
        }
    }

    /** @param shorter the longest token that this one's text starts with, if one does */
    private record Entry(AddedToken token, @Nullable Entry shorter) {
        String text() {
            return token.content();
        }
    }
}
