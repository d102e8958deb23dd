package dev.hyaline.weights.internal;

/** Text from a stranger's file, made fit for an error message: quoted, short, on one line. */
public final class Shown {
    private static final int LONGEST = 80;

    private Shown() {}

    /** The text in double quotes, cut after 80 characters, control characters and halves of surrogate pairs escaped. */
    public static String quoted(String text) {
        return '"' + plain(text) + '"';
    }

    /** As {@link #quoted} without the quotes, for what is not a string. */
    public static String plain(String text) {
        int end = Math.min(text.length(), LONGEST);
        StringBuilder shown = new StringBuilder(end + 8);
        for (int i = 0; i < end; ) {
            int c = text.codePointAt(i);
            int type = Character.getType(c);
            if (Character.isISOControl(c)
                    || type == Character.SURROGATE
                    || type == Character.FORMAT
                    || type == Character.LINE_SEPARATOR
                    || type == Character.PARAGRAPH_SEPARATOR) {
                shown.append("\\u").append(String.format("%04x", c));
            } else {
                shown.appendCodePoint(c);
            }
            i += Character.charCount(c);
        }
        return shown.append(end < text.length() ? "..." : "").toString();
    }
}
