package dev.hyaline.analysis.lens;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.table.ColourScale;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.ScreenWidth;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;

/**
 * A picture of the logit lens on a prompt: the likeliest next token at every place, down, and position, across; the
 * redder its cell, the likelier it is, white at 0 and the deepest red at 1.
 */
public final class LensPicture implements Picture {
    /** The most tokens of which a picture can be read. */
    public static final int MAX_TOKENS = 64;

    private static final int MARGIN = Heading.MARGIN;
    private static final int FONT = Heading.FONT;
    /** Room below the heading for positions and their tokens. */
    private static final int BELOW_HEADING = 38;

    private static final int CELL_HEIGHT = 24;
    private static final int MIN_CELL_WIDTH = 38;
    private static final int MAX_TEXT_LENGTH = 12;
    private static final ColourScale COLOURS = ColourScale.around0(1);

    private final Heading heading;
    private final List<String> places;
    private final List<String> prompt;
    /** {@code [places][positions]}. */
    private final List<List<NextToken>> likeliest;

    private final IntFunction<String> texts;
    private final int left;
    private final int top;
    private final int cellWidth;

    private LensPicture(
            String title,
            List<String> places,
            List<String> prompt,
            List<List<NextToken>> likeliest,
            IntFunction<String> texts) {
        heading = Heading.of(
                title, "the likeliest next token after each place of the residual stream; white 0, deepest red 1");
        top = heading.bottom() + BELOW_HEADING;
        this.places = places;
        this.prompt = prompt;
        this.likeliest = likeliest;
        this.texts = texts;
        int longest = places.stream().mapToInt(String::length).max().orElse(0);
        left = MARGIN + 8 + (int) Math.ceil(longest * Heading.CHARACTER * FONT);
        int widest =
                prompt.stream().mapToInt(text -> shortened(text).length()).max().orElse(0);
        for (List<NextToken> row : likeliest) {
            for (NextToken token : row) {
                widest = Math.max(widest, shortened(texts.apply(token.token())).length());
            }
        }
        cellWidth = Math.max(MIN_CELL_WIDTH, 8 + (int) Math.ceil(widest * Heading.CHARACTER * FONT));
    }

    /**
     * Reads a prompt through the lens and lays the picture out.
     *
     * @param texts the text of a token, as it is shown
     * @throws BadInputException if the prompt has no token or too many to be seen
     */
    public static LensPicture of(LogitLens lens, String title, int[] tokens, IntFunction<String> texts) {
        if (tokens.length < 1 || tokens.length > MAX_TOKENS) {
            throw new BadInputException(
                    "a picture of the logit lens is of 1 to " + MAX_TOKENS + " tokens, found " + tokens.length);
        }
        return new LensPicture(
                title,
                lens.labels(),
                Arrays.stream(tokens).mapToObj(texts).toList(),
                lens.likeliest(tokens, 1).stream()
                        .map(place -> place.stream().map(List::getFirst).toList())
                        .toList(),
                texts);
    }

    private static String shortened(String text) {
        return ScreenWidth.shortened(text, MAX_TEXT_LENGTH);
    }

    @Override
    public int width() {
        return Math.max(left + prompt.size() * cellWidth, heading.width()) + MARGIN;
    }

    @Override
    public int height() {
        return top + places.size() * CELL_HEIGHT + MARGIN;
    }

    @Override
    public void draw(Canvas canvas) {
        heading.draw(canvas);
        for (int position = 0; position < prompt.size(); position++) {
            double x = left + (position + 0.5) * cellWidth;
            canvas.text(x, top - 18, String.valueOf(position), FONT - 1, Anchor.MIDDLE, false, Canvas.PALE_INK);
            canvas.text(x, top - 5, shortened(prompt.get(position)), FONT, Anchor.MIDDLE, false, Canvas.INK);
        }
        for (int place = 0; place < places.size(); place++) {
            int y = top + place * CELL_HEIGHT;
            canvas.text(
                    left - 6,
                    y + CELL_HEIGHT / 2.0 + 0.35 * FONT,
                    places.get(place),
                    FONT,
                    Anchor.END,
                    false,
                    Canvas.INK);
            for (int position = 0; position < prompt.size(); position++) {
                cell(canvas, place, position, y);
            }
        }
    }

    private void cell(Canvas canvas, int place, int position, int y) {
        NextToken token = likeliest.get(place).get(position);
        int colour = COLOURS.rgb(token.probability());
        int x = left + position * cellWidth;
        String text = texts.apply(token.token());
        canvas.rectangle(
                x,
                y,
                cellWidth,
                CELL_HEIGHT,
                colour,
                String.format(
                        Locale.ROOT,
                        "%s, after %d %s: %s %.1f%%",
                        places.get(place),
                        position,
                        prompt.get(position),
                        text,
                        100 * token.probability()));
        canvas.text(
                x + cellWidth / 2.0,
                y + CELL_HEIGHT / 2.0 + 0.35 * FONT,
                shortened(text),
                FONT,
                Anchor.MIDDLE,
                false,
                ColourScale.isDark(colour) ? Canvas.PAPER : Canvas.CELL_INK);
    }

    @Override
    public String toString() {
        return "picture of " + heading.title();
    }
}
