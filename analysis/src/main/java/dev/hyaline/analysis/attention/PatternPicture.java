package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.table.ColourScale;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A picture of all attention patterns of a prompt: a small map for each head, layers down and heads across, in which a
 * row is a query and a column a key; white is no attention, the deepest red all of it. Pointed at, an SVG's cells tell
 * their tokens and weights; below stands the prompt with its positions.
 */
public final class PatternPicture implements Picture {
    /** The most tokens of which a map can be seen. */
    public static final int MAX_TOKENS = 64;

    private static final int MAX_MAPS = 400;
    private static final int MARGIN = Heading.MARGIN;
    private static final int FONT = Heading.FONT;
    /** Room below the heading for the numbers of heads. */
    private static final int BELOW_HEADING = 26;

    private static final int LEFT = MARGIN + 30;
    private static final int GAP = 8;
    private static final int LINE_HEIGHT = 16;
    private static final int MIN_LINE = 90;
    /** Below this a cell has no colour. */
    private static final double MIN_SHOWN = 0.005;

    private static final int FRAME = 0xBBBBBB;
    private static final ColourScale COLOURS = ColourScale.around0(1);

    private final Heading heading;
    private final int top;
    private final List<String> tokens;
    private final int layers;
    private final int heads;
    /** {@code [layers, heads, queries, keys]}. */
    private final float[] patterns;

    private final int cell;
    private final List<String> prompt;

    private PatternPicture(String title, List<String> tokens, int layers, int heads, float[] patterns) {
        heading = Heading.of(
                title, "attention by layer and head: rows are queries, columns keys; white 0, deepest red 1");
        top = heading.bottom() + BELOW_HEADING;
        this.tokens = List.copyOf(tokens);
        this.layers = layers;
        this.heads = heads;
        this.patterns = patterns;
        cell = Math.clamp(110 / tokens.size(), 2, 12);
        prompt = lines();
    }

    /** Returns whether so many tokens and heads can be seen on one picture. */
    public static boolean fits(Gpt2Config config, int tokens) {
        return tokens >= 1 && tokens <= MAX_TOKENS && config.nLayers() * config.nHeads() <= MAX_MAPS;
    }

    /**
     * Runs a prompt and lays the picture of its patterns out.
     *
     * @param texts of the tokens, as they are shown
     * @throws BadInputException if the prompt is too long or the model too large to be seen
     * @throws BadShapeException if there are more or fewer texts than tokens
     */
    public static PatternPicture of(Gpt2 model, String title, int[] tokens, List<String> texts) {
        Gpt2Config config = model.config();
        if (!fits(config, tokens.length)) {
            throw new BadInputException(
                    "a picture of attention patterns is of 1 to " + MAX_TOKENS + " tokens and at most "
                            + MAX_MAPS + " heads, found " + tokens.length + " tokens and "
                            + config.nLayers() * config.nHeads() + " heads");
        }
        if (texts.size() != tokens.length) {
            throw new BadShapeException(
                    "texts of the tokens", tokens.length + ", one for each", texts.size() + " texts");
        }
        int map = tokens.length * tokens.length;
        float[] patterns = new float[config.nLayers() * config.nHeads() * map];
        AttentionPatterns.read(
                model,
                Prompts.of(config, tokens),
                (prompt, layer, head, maps, offset) ->
                        System.arraycopy(maps, offset, patterns, (layer * config.nHeads() + head) * map, map));
        return new PatternPicture(title, texts, config.nLayers(), config.nHeads(), patterns);
    }

    private int side() {
        return cell * tokens.size();
    }

    /** The prompt, as many tokens with their positions on a line as have room. */
    private List<String> lines() {
        int most = Math.max(MIN_LINE, (int) ((width(0) - 2 * MARGIN) / (Heading.CHARACTER * FONT)));
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (int t = 0; t < tokens.size(); t++) {
            String token = t + " " + tokens.get(t);
            if (!line.isEmpty() && line.length() + 3 + token.length() > most) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : "   ").append(token);
        }
        lines.add(line.toString());
        return lines;
    }

    private int width(int least) {
        return Math.max(LEFT + heads * (side() + GAP), MARGIN + least) + MARGIN;
    }

    @Override
    public int width() {
        int longest = prompt.stream().mapToInt(String::length).max().orElse(0);
        return width(Math.max(heading.width() - MARGIN, (int) (longest * Heading.CHARACTER * FONT)));
    }

    @Override
    public int height() {
        return top + layers * (side() + GAP) + 8 + prompt.size() * LINE_HEIGHT + MARGIN;
    }

    @Override
    public void draw(Canvas canvas) {
        heading.draw(canvas);
        for (int head = 0; head < heads; head++) {
            canvas.text(
                    LEFT + head * (side() + GAP) + side() / 2.0,
                    top - 5,
                    String.valueOf(head),
                    FONT,
                    Anchor.MIDDLE,
                    false,
                    Canvas.INK);
        }
        for (int layer = 0; layer < layers; layer++) {
            int y = top + layer * (side() + GAP);
            canvas.text(
                    LEFT - 6,
                    y + side() / 2.0 + 0.35 * FONT,
                    String.valueOf(layer),
                    FONT,
                    Anchor.END,
                    false,
                    Canvas.INK);
            for (int head = 0; head < heads; head++) {
                map(canvas, layer, head, LEFT + head * (side() + GAP), y);
            }
        }
        double y = top + layers * (side() + GAP) + 8.0;
        for (int l = 0; l < prompt.size(); l++) {
            canvas.text(MARGIN, y + (l + 0.7) * LINE_HEIGHT, prompt.get(l), FONT, Anchor.START, false, Canvas.PALE_INK);
        }
    }

    private void map(Canvas canvas, int layer, int head, int x, int y) {
        canvas.rectangle(x - 1, y - 1, side() + 2, side() + 2, FRAME, layer + "." + head);
        canvas.rectangle(x, y, side(), side(), Canvas.PAPER, layer + "." + head);
        int n = tokens.size();
        for (int query = 0; query < n; query++) {
            for (int key = 0; key <= query; key++) {
                float weight = patterns[((layer * heads + head) * n + query) * n + key];
                if (weight >= MIN_SHOWN) {
                    canvas.rectangle(
                            x + key * cell,
                            y + query * cell,
                            cell,
                            cell,
                            COLOURS.rgb(weight),
                            String.format(
                                    Locale.ROOT,
                                    "%d.%d: %d %s looks at %d %s: %.3f",
                                    layer,
                                    head,
                                    query,
                                    tokens.get(query),
                                    key,
                                    tokens.get(key),
                                    weight));
                }
            }
        }
    }

    @Override
    public String toString() {
        return "picture of " + heading.title();
    }
}
