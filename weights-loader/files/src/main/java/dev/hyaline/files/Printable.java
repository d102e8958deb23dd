package dev.hyaline.files;

import java.util.Collection;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Text from an untrusted file, made fit for an error message: quoted, short and on one line. */
public final class Printable {
    private static final Pattern SHELL_WORD = Pattern.compile("[A-Za-z0-9_./:=,@%+-]+");

    /** The zero behind the point of a whole number, or of the digits before an exponent. */
    private static final Pattern NO_FRACTION = Pattern.compile("\\.0(E|$)");

    private static final int MAX_LENGTH = 80;

    private static final int MAX_LISTED = 10;

    /** Long enough for any message of a parser. */
    private static final int MAX_MESSAGE_LENGTH = 300;

    private static final Pattern PLACE =
            Pattern.compile("\\[Source: [^\\]]*?; line: (\\d+), column: (\\d+)\\]", Pattern.DOTALL);
    private static final Pattern NO_PLACE = Pattern.compile("(\\s+at| \\(start marker at)? \\[Source: [^\\]]*\\]\\)?");

    private Printable() {}

    /**
     * The error of a JSON parser with its place: {@code Unexpected character ('x' (code 120)) at line 3, column 7}.
     *
     * @param failure the parser's exception, which writes places as {@code [Source: ...; line: 3, column: 7]}
     */
    public static String parserMessage(Exception failure) {
        String message = Objects.requireNonNullElse(failure.getMessage(), failure.toString());
        String placed = PLACE.matcher(message).replaceAll("line $1, column $2");
        return plain(NO_PLACE.matcher(placed).replaceAll("").replaceAll("\\s*\\n\\s*", " "), MAX_MESSAGE_LENGTH);
    }

    /** The text in double quotes, cut after 80 characters, control characters and halves of surrogate pairs escaped. */
    public static String quoted(String text) {
        return '"' + plain(text) + '"';
    }

    /** The text of {@link #quoted} without the quotes. */
    public static String plain(String text) {
        return plain(text, MAX_LENGTH);
    }

    /**
     * The first of some names, as {@link #plain(String) plain} text separated by commas, with the number of the others.
     */
    public static String listed(Collection<String> names) {
        String first = names.stream().limit(MAX_LISTED).map(Printable::plain).collect(Collectors.joining(", "));
        return names.size() <= MAX_LISTED ? first : first + " and " + (names.size() - MAX_LISTED) + " more";
    }

    /** A number as people write it: {@code 2}, {@code 0.1}, {@code 1e-9}. */
    public static String number(double value) {
        return NO_FRACTION.matcher(Double.toString(value)).replaceFirst("$1").replace('E', 'e');
    }

    /** A whole number with commas between thousands. */
    public static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** A number with its noun: {@code 1 prompt}, {@code 2 prompts}. */
    public static String plural(long number, String noun) {
        return count(number) + " " + noun + (number == 1 ? "" : "s");
    }

    private static String plain(String text, int longest) {
        int end = Math.min(text.length(), longest);
        StringBuilder shown = new StringBuilder(end + 8);
        for (int i = 0; i < end; ) {
            int c = text.codePointAt(i);
            int type = Character.getType(c);
            if (Character.isISOControl(c)
                    || type == Character.SURROGATE
                    || type == Character.FORMAT
                    || type == Character.LINE_SEPARATOR
                    || type == Character.PARAGRAPH_SEPARATOR) {
                shown.append("\\u").append(String.format(Locale.ROOT, "%04x", c));
            } else {
                shown.appendCodePoint(c);
            }
            i += Character.charCount(c);
        }
        return shown.append(end < text.length() ? "..." : "").toString();
    }

    /** A word of a command as a shell takes it, in quotes where it needs them. */
    public static String shellWord(String word) {
        return SHELL_WORD.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
