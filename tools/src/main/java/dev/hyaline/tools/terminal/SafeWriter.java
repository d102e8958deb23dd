package dev.hyaline.tools.terminal;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes control characters as what they are, {@code \\u001b}, so that no file, hub or prompt steers a terminal. Tabs
 * and line ends stay. Styles come only from {@link #style}, which no text from outside can spell.
 */
final class SafeWriter extends PrintWriter {
    private static final String CONTROL = "[\\p{Cc}&&[^\\n\\t]]";

    /** What begins a style: nobody who wrote a file or a prompt can know it. */
    private static final String MARK = "\u001B" + Long.toHexString(new Random().nextLong()) + "[";

    private static final Pattern OWN_STYLES = Pattern.compile(Pattern.quote(MARK) + "([0-9;]*)m|" + CONTROL);
    private static final Pattern ALL_STYLES = Pattern.compile("\u001B\\[([0-9;]*)m|" + CONTROL);

    private final PrintWriter unsafe;
    private final Pattern changed;

    SafeWriter(PrintWriter out) {
        this(out, OWN_STYLES);
    }

    private SafeWriter(PrintWriter out, Pattern changed) {
        super(out);
        this.unsafe = out;
        this.changed = changed;
    }

    /** A writer to the same place for text that holds nothing from outside, such as help: its styles are kept. */
    PrintWriter trusting() {
        return new SafeWriter(unsafe, ALL_STYLES);
    }

    /** What a style is written as here; the terminal gets it as {@code ESC [ code m}. */
    static String style(String code) {
        return MARK + code + "m";
    }

    @Override
    public void write(int c) {
        write(String.valueOf((char) c));
    }

    @Override
    public void write(char[] text, int offset, int length) {
        write(new String(text, offset, length));
    }

    @Override
    public void write(String text, int offset, int length) {
        String safe = changed.matcher(text.substring(offset, offset + length))
                .replaceAll(found -> Matcher.quoteReplacement(safe(found)));
        super.write(safe, 0, safe.length());
    }

    private static String safe(MatchResult found) {
        String code = found.group(1);
        return code == null
                ? String.format(Locale.ROOT, "\\u%04x", (int) found.group().charAt(0))
                : "\u001B[" + code + "m";
    }
}
