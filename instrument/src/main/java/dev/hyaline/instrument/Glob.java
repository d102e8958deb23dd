package dev.hyaline.instrument;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/**
 * A pattern with {@code *} for any characters, {@code ?} for one and {@code [0-2]} or {@code [!0-2]} for one of some.
 * Matching takes at most the product of both lengths, however many {@code *} there are: a regular expression would try
 * every way to divide the text among them.
 */
final class Glob implements Predicate<String> {
    /** @param repeats whether it takes any number of characters, not one */
    private record Element(boolean repeats, IntPredicate takes) {}

    private final List<Element> elements = new ArrayList<>();
    private int characters;

    private Glob() {}

    static boolean is(String pattern) {
        return pattern.contains("*") || pattern.contains("?") || pattern.contains("[");
    }

    /** @throws BadInputException if a range in brackets runs backwards */
    static Glob of(String pattern) {
        Glob glob = new Glob();
        int lastClose = pattern.lastIndexOf(']');
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            int close = c == '[' && i + 2 <= lastClose ? pattern.indexOf(']', i + 2) : -1;
            if (close > 0) {
                glob.one(set(pattern, pattern.substring(i + 1, close)));
                i = close;
            } else if (c == '*') {
                glob.any();
            } else {
                glob.one(x -> c == '?' || x == c);
            }
        }
        return glob;
    }

    private void any() {
        if (elements.isEmpty() || !elements.getLast().repeats()) {
            elements.add(new Element(true, c -> true));
        }
    }

    private void one(IntPredicate takes) {
        elements.add(new Element(false, takes));
        characters++;
    }

    private static IntPredicate set(String pattern, String set) {
        boolean negated = set.startsWith("!");
        BitSet members = new BitSet();
        for (int i = negated ? 1 : 0; i < set.length(); i++) {
            char first = set.charAt(i);
            boolean range = i + 2 < set.length() && set.charAt(i + 1) == '-';
            char last = range ? set.charAt(i + 2) : first;
            if (last < first) {
                throw new BadInputException(
                        "'" + Printable.plain(pattern) + "' is not a glob: a range in its brackets runs backwards");
            }
            members.set(first, last + 1);
            i += range ? 2 : 0;
        }
        return c -> members.get(c) != negated;
    }

    /** Returns whether the whole text matches. */
    @Override
    public boolean test(String text) {
        if (characters > text.length()) {
            return false;
        }
        // Whether the elements so far match the text up to each place.
        boolean[] matches = new boolean[text.length() + 1];
        matches[0] = true;
        for (Element element : elements) {
            boolean before = matches[0];
            matches[0] = before && element.repeats();
            for (int i = 1; i <= text.length(); i++) {
                boolean here = matches[i];
                matches[i] = element.repeats()
                        ? here || matches[i - 1]
                        : before && element.takes().test(text.charAt(i - 1));
                before = here;
            }
        }
        return matches[text.length()];
    }
}
