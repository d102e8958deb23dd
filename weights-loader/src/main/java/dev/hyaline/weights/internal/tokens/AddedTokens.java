package dev.hyaline.weights.internal.tokens;

import java.util.BitSet;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Finds added tokens in text as Hugging Face's {@code AddedVocabulary} does: of those that match, the leftmost, and of
 * these the longest; what is left of the text goes to the encoder piece by piece.
 */
final class AddedTokens {
    private final Finder first;
    private final Finder second;

    AddedTokens(Collection<AddedToken> tokens) {
        first = new Finder(tokens.stream().filter(token -> !token.normalized()));
        second = new Finder(tokens.stream().filter(AddedToken::normalized));
    }

    /** Appends the ids of the added tokens in the text, and what the encoder makes of the pieces between them. */
    void encode(String text, PieceEncoder pieces, IntList tokens) {
        split(text, first, tokens, (left, ids) -> split(left, second, ids, pieces));
    }

    private static void split(String text, Finder finder, IntList tokens, PieceEncoder pieces) {
        int done = 0;
        for (int at = 0; at < text.length() && !finder.isEmpty(); ) {
            AddedToken found = finder.longestAt(text, at);
            if (found == null) {
                at++;
                continue;
            }
            int start = at;
            int stop = at + found.content().length();
            at = stop;
            if (found.singleWord() && (endsWithWord(text, start) || startsWithWord(text, stop))) {
                continue;
            }
            if (found.lstrip()) {
                while (start > done && Words.isSpace(text.charAt(start - 1))) {
                    start--;
                }
            }
            if (found.rstrip()) {
                while (stop < text.length() && Words.isSpace(text.charAt(stop))) {
                    stop++;
                }
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

    /** Some of the tokens, in the order of their texts. */
    private static final class Finder {
        private final TreeMap<String, AddedToken> tokens = new TreeMap<>();
        private final BitSet firstChars = new BitSet();
        private final int longest;

        Finder(Stream<AddedToken> tokens) {
            tokens.forEach(token -> this.tokens.put(token.content(), token));
            this.tokens.keySet().forEach(text -> firstChars.set(text.charAt(0)));
            longest =
                    this.tokens.keySet().stream().mapToInt(String::length).max().orElse(0);
        }

        boolean isEmpty() {
            return tokens.isEmpty();
        }

        /** The longest token that starts at a place of the text; null if none does. */
        AddedToken longestAt(String text, int at) {
            if (!firstChars.get(text.charAt(at))) {
                return null;
            }
            String ahead = text.substring(at, Math.min(text.length(), at + longest));
            while (true) {
                // The last token not after what lies ahead is a prefix of it, or shares with it whatever a prefix can
                // have.
                Map.Entry<String, AddedToken> candidate = tokens.floorEntry(ahead);
                if (candidate == null || ahead.startsWith(candidate.getKey())) {
                    return candidate == null ? null : candidate.getValue();
                }
                ahead = ahead.substring(0, sharedPrefix(ahead, candidate.getKey()));
            }
        }

        private static int sharedPrefix(String a, String b) {
            int length = 0;
            while (length < a.length() && length < b.length() && a.charAt(length) == b.charAt(length)) {
                length++;
            }
            return length;
        }
    }
}
