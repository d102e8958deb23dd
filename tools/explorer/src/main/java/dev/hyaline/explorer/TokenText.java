package dev.hyaline.explorer;

import dev.hyaline.files.RecordText;
import java.util.List;
import java.util.Locale;

/** Tokens in a line, each shaded by a number that is seen when it is pointed at. */
public record TokenText(List<ShadedToken> tokens) implements View {
    /**
     * A token.
     *
     * @param share of the deepest shade, from 0 to 1
     * @param note the number in words
     * @param marked whether it is the one that the line is about
     */
    public record ShadedToken(String text, double share, String note, boolean marked) {}

    public TokenText {
        tokens = List.copyOf(tokens);
    }

    @Override
    public void write(HtmlWriter html) {
        html.open("p", "class", "tokens");
        for (ShadedToken token : tokens) {
            double share = Math.clamp(token.share, 0, 1);
            html.element(
                    token.marked ? "b" : "span",
                    shown(token.text),
                    "title",
                    token.note,
                    "style",
                    share > 0
                            ? String.format(Locale.ROOT, "background:rgba(245,158,11,%.2f)", 0.6 * share)
                            : "background:none");
        }
        html.close();
    }

    /** Line ends as a sign, so that a line stays one. */
    public static String shown(String text) {
        return text.replace("\n", "\u21b5").replace("\r", "").replace("\t", "\u2192");
    }

    /** As {@link #shown}, in quotes: tokens of a list may hold commas and blanks. */
    public static String quoted(String text) {
        return '"' + shown(text) + '"';
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
