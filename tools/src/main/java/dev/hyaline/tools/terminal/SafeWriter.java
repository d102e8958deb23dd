package dev.hyaline.tools.terminal;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes control characters as what they are, {@code \\u001b}, so that no file, hub or prompt steers a terminal. Tabs
 * and line ends stay, and styles where there are any.
 */
final class SafeWriter extends PrintWriter {
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}&&[^\\n\\t]]");
    private static final Pattern CONTROL_OR_STYLE = Pattern.compile("\u001B\\[[0-9;]*m|" + CONTROL);

    private final Pattern unsafe;

    SafeWriter(PrintWriter out, boolean styles) {
        super(out);
        this.unsafe = styles ? CONTROL_OR_STYLE : CONTROL;
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
        String safe = unsafe.matcher(text.substring(offset, offset + length))
                .replaceAll(found -> Matcher.quoteReplacement(
                        found.group().length() > 1
                                ? found.group()
                                : String.format(Locale.ROOT, "\\u%04x", (int)
                                        found.group().charAt(0))));
        super.write(safe, 0, safe.length());
    }
}
