package dev.hyaline.files;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
public final class EditDistance {
    /** Longer names are no slips of a finger. */
    private static final int MAX_COMPARED = 100;

    private EditDistance() {}

    /** The name that differs least from one that is unknown, the first of several; empty if all differ much. */
    public static Optional<String> nearest(String unknown, Collection<String> names) {
        if (unknown.length() > MAX_COMPARED) {
            return Optional.empty();
        }
        int tolerance = Math.max(1, unknown.length() / 3);
        return names.stream()
                .filter(name -> between(unknown, name) <= tolerance)
                .min(Comparator.comparingInt(name -> between(unknown, name)));
    }

    /** The distance of two names. */
    public static int between(String a, String b) {
        int[] beforePrevious = new int[b.length() + 1];
        int[] previous = new int[b.length() + 1];
        int[] current = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substitution = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(substitution, 1 + Math.min(previous[j], current[j - 1]));
                boolean swapped =
                        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                if (swapped) {
                    current[j] = Math.min(current[j], 1 + beforePrevious[j - 2]);
                }
            }
            int[] recycled = beforePrevious;
            beforePrevious = previous;
            previous = current;
            current = recycled;
        }
        return previous[b.length()];
    }
}
