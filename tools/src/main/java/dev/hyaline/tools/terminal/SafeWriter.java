package dev.hyaline.tools.terminal;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A writer that escapes control characters as {@code \\u001b}, so that no file, hub or prompt controls the terminal.
 * Tabs and line ends stay. Styles come only from {@link #style}, whose random mark no other text can contain.
 */
final class SafeWriter extends PrintWriter {
    private static final String CONTROL = "[\\p{Cc}&&[^\\n\\t]]";

    /** The beginning of a style; it is random, so that no file or prompt can contain it. */
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

    /** Returns a writer to the same stream that keeps styles, for the program's own text such as help. */
    PrintWriter trusting() {
        return new SafeWriter(unsafe, ALL_STYLES);
    }

    /** Returns the text that begins a style; the terminal gets {@code ESC [ code m}. */
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
