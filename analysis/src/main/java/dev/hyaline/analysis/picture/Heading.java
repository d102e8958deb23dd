package dev.hyaline.analysis.picture;

import dev.hyaline.analysis.picture.Canvas.Anchor;
import java.util.List;
import java.util.stream.Stream;

/**
 * The head of a picture: its title, and smaller lines below that say what is shown and of what. It begins in the upper
 * left corner, {@value #MARGIN} from both edges.
 *
 * @param lines below the title; empty ones are left out
 */
public record Heading(String title, List<String> lines) {
    /** The empty edge around a picture. */
    public static final int MARGIN = 14;

    /** The size of labels, and of the lines below a title. */
    public static final int FONT = 11;

    /** Width of a character relative to its height: on the wide side, so that labels have room. */
    public static final double CHARACTER = 0.6;

    private static final int TITLE_FONT = 14;
    private static final int BELOW_TITLE = 18;
    private static final int LINE_HEIGHT = 16;

    public Heading {
        lines = lines.stream().filter(line -> !line.isEmpty()).toList();
    }

    /** A head of a title and the lines below it. */
    public static Heading of(String title, String... lines) {
        return new Heading(title, Stream.of(lines).toList());
    }

    /** The width up to the end of the longest line, the edge on the left included. */
    public int width() {
        int longest = lines.stream().mapToInt(String::length).max().orElse(0);
        return MARGIN + (int) Math.max(title.length() * CHARACTER * TITLE_FONT, longest * CHARACTER * FONT);
    }

    /** The base line of the last line: what is drawn below begins lower. */
    public int bottom() {
        return MARGIN + TITLE_FONT + (lines.isEmpty() ? 0 : BELOW_TITLE + (lines.size() - 1) * LINE_HEIGHT);
    }

    /** Draws the head. */
    public void draw(Canvas canvas) {
        canvas.text(MARGIN, MARGIN + TITLE_FONT, title, TITLE_FONT, Anchor.START, false, Canvas.INK);
        for (int line = 0; line < lines.size(); line++) {
            canvas.text(
                    MARGIN,
                    MARGIN + TITLE_FONT + BELOW_TITLE + line * (double) LINE_HEIGHT,
                    lines.get(line),
                    FONT,
                    Anchor.START,
                    false,
                    Canvas.PALE_INK);
        }
    }
}
