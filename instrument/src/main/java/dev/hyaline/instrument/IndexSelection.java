package dev.hyaline.instrument;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A choice of layers or positions, written as {@code 0,3-5,-1}: single indices and ranges with both ends, negative ones
 * counted from the end, {@code last} for -1, or {@code all}. As in Python, an index outside is an error and a range is
 * clipped. Immutable.
 */
public final class IndexSelection {
    /** No model has more layers, positions or neurons; an array of so many flags can still be made. */
    private static final int MAX_LENGTH = 1 << 28;

    private static final String INDEX = "(-?\\d+|last)";
    private static final Pattern ITEM = Pattern.compile(INDEX + "(?:-" + INDEX + ")?");
    private static final IndexSelection ALL = new IndexSelection("all", List.of());

    /** Both ends included; negative ones count from the end. */
    private record Range(int first, int last, boolean single) {}

    private final String text;
    private final List<Range> ranges;

    private IndexSelection(String text, List<Range> ranges) {
        this.text = text;
        this.ranges = List.copyOf(ranges);
    }

    /** Every index. */
    public static IndexSelection all() {
        return ALL;
    }

    /**
     * Reads a selection as a user writes it.
     *
     * @throws BadInputException if the text is not a selection
     */
    public static IndexSelection parse(String text) {
        String bare = text.strip();
        if (bare.equals("all")) {
            return ALL;
        }
        List<Range> ranges = new ArrayList<>();
        for (String item : bare.split(",", -1)) {
            Matcher match = ITEM.matcher(item.strip());
            if (!match.matches()) {
                throw new BadInputException(
                        "'" + Printable.plain(text) + "' is not a selection; write indices and ranges such as"
                                + " 0,3-5,-1 (negative from the end), last or all");
            }
            int first = index(match.group(1));
            boolean single = match.group(2) == null;
            int last = single ? first : index(match.group(2));
            if (first > last && first < 0 == last < 0) {
                throw new BadInputException("the range " + Printable.plain(item.strip()) + " runs backwards");
            }
            ranges.add(new Range(first, last, single));
        }
        return new IndexSelection(bare, ranges);
    }

    /** Single indices; negative ones count from the end. */
    public static IndexSelection of(int... indices) {
        if (indices.length == 0) {
            throw new BadInputException("a selection needs at least one index, found none");
        }
        List<Range> ranges = new ArrayList<>(indices.length);
        for (int index : indices) {
            ranges.add(new Range(index, index, true));
        }
        return new IndexSelection(
                IntStream.of(indices).mapToObj(Integer::toString).collect(Collectors.joining(",")), ranges);
    }

    private static int index(String text) {
        if (text.equals("last")) {
            return -1;
        }
        if (text.length() > 9) {
            throw new BadInputException("the index " + Printable.plain(text) + " is out of range");
        }
        return Integer.parseInt(text);
    }

    /** Returns whether everything is chosen, however long. */
    public boolean isAll() {
        return ranges.isEmpty();
    }

    /**
     * The chosen ones of {@code 0..length-1}, ascending, each once.
     *
     * @param what what is chosen among, for the error: {@code layer}, {@code position}
     * @throws BadInputException if a single index lies outside, or nothing is chosen
     */
    public int[] in(int length, String what) {
        return in(length, length, what);
    }

    /** As {@link #in(int, String)}, of {@code 0..bound-1}, with negative indices counted from {@code length} back. */
    public int[] in(int length, int bound, String what) {
        if (Math.min(length, bound) < 0 || Math.max(length, bound) > MAX_LENGTH) {
            throw new BadInputException("a selection chooses among 0 to " + MAX_LENGTH + " " + what + "s, found "
                    + (length < 0 || length > MAX_LENGTH ? length : bound));
        }
        if (isAll()) {
            return IntStream.range(0, bound).toArray();
        }
        boolean[] chosen = new boolean[bound];
        for (Range range : ranges) {
            int first = range.first < 0 ? range.first + length : range.first;
            int last = range.last < 0 ? range.last + length : range.last;
            if (range.single && (first < 0 || first >= bound)) {
                throw new BadInputException(
                        "there is no " + what + " " + range.first + ": " + what + "s run from 0 to " + (bound - 1));
            }
            for (int i = Math.max(first, 0); i <= Math.min(last, bound - 1); i++) {
                chosen[i] = true;
            }
        }
        int[] indices = IntStream.range(0, bound).filter(i -> chosen[i]).toArray();
        if (indices.length == 0) {
            throw new BadInputException("'" + Printable.plain(text) + "' chooses no " + what + ": " + what
                    + "s run from 0 to " + (bound - 1));
        }
        return indices;
    }

    /** Returns whether an index of {@code 0..length-1} is chosen. */
    public boolean contains(int index, int length) {
        return isAll()
                || ranges.stream().anyMatch(range -> {
                    int first = range.first < 0 ? range.first + length : range.first;
                    int last = range.last < 0 ? range.last + length : range.last;
                    return first <= index && index <= last;
                });
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof IndexSelection selection && ranges.equals(selection.ranges);
    }

    @Override
    public int hashCode() {
        return ranges.hashCode();
    }

    /** The selection as it was written. */
    @Override
    public String toString() {
        return text;
    }
}
