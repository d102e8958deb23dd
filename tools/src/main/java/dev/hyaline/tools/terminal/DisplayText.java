package dev.hyaline.tools.terminal;

import dev.hyaline.files.EscapedText;
import dev.hyaline.files.Printable;
import dev.hyaline.files.ScreenWidth;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Values formatted for people, the same in every locale. */
public final class DisplayText {
    private static final String[] DECIMAL_UNITS = {"bytes", "kB", "MB", "GB", "TB"};

    private DisplayText() {}

    /** Text in double quotes, {@linkplain EscapedText escaped}. */
    public static String quoted(String text) {
        return '"' + EscapedText.text(text) + '"';
    }

    /** A number with four significant digits. */
    public static String figure(double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.4g", value);
    }

    /** A whole number with commas between thousands. */
    public static String count(long value) {
        return Printable.count(value);
    }

    /** A size such as {@code 1.50 MB}; a kilobyte is 1000 bytes. */
    public static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 999.5 && unit < DECIMAL_UNITS.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0
                ? bytes + " " + (bytes == 1 ? "byte" : DECIMAL_UNITS[0])
                : String.format(
                        Locale.ROOT,
                        value < 10 ? "%.2f %s" : value < 100 ? "%.1f %s" : "%.0f %s",
                        value,
                        DECIMAL_UNITS[unit]);
    }

    /** A shape such as {@code [1, 15, 128]}. */
    public static String shape(List<Long> shape) {
        return shape.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }

    /**
     * Lines of at most some columns, broken at blanks, but not before a percent sign; a word that is longer has a line
     * of its own.
     */
    public static List<String> wrapped(String text, int columns) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        int width = 0;
        for (String word : text.split(" (?!%)", -1)) {
            int wordWidth = ScreenWidth.of(word);
            if (width > 0 && width + 1 + wordWidth > columns) {
                lines.add(line.toString());
                line = new StringBuilder(word);
                width = wordWidth;
            } else {
                line.append(width > 0 ? " " : "").append(word);
                width += (width > 0 ? 1 : 0) + wordWidth;
            }
        }
        lines.add(line.toString());
        return lines;
    }

    /** A number with its noun: {@code 1 prompt}, {@code 2 prompts}. */
    public static String plural(long number, String noun) {
        return Printable.plural(number, noun);
    }
}
