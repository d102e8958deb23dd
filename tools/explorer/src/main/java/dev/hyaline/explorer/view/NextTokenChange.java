package dev.hyaline.explorer.view;

import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * The likeliest next tokens of a run beside those of the same run under an edit, which a page shows within another
 * view.
 */
public final class NextTokenChange {
    private static final int TOP = 10;

    private final ViewHeading heading;
    private final int position;
    private final float[] base;
    private final float[] edited;
    private final IntFunction<ViewToken> vocabulary;

    private NextTokenChange(
            ViewHeading heading, int position, float[] base, float[] edited, IntFunction<ViewToken> vocabulary) {
        this.heading = heading;
        this.position = position;
        this.base = base;
        this.edited = edited;
        this.vocabulary = vocabulary;
    }

    /**
     * The change at a position.
     *
     * @param base logits without the edit, {@code [dVocab]}; not copied
     * @param edited the same with it
     * @param vocabulary the tokens by id
     * @throws BadShapeException if there are more of one than of the other
     */
    public static NextTokenChange of(
            ViewHeading heading, int position, float[] base, float[] edited, IntFunction<ViewToken> vocabulary) {
        if (base.length != edited.length) {
            throw new BadShapeException("edited logits", base.length + " values", edited.length + " values");
        }
        return new NextTokenChange(heading, position, base, edited, vocabulary);
    }

    /** What the page shows. */
    public ViewData data() {
        double[] p = NextToken.logProbabilities(base);
        double[] q = NextToken.logProbabilities(edited);
        double divergence = 0;
        for (int i = 0; i < p.length; i++) {
            divergence += Math.exp(p[i]) * (p[i] - q[i]);
        }
        Set<Integer> shown = new LinkedHashSet<>();
        int top = Math.min(TOP, base.length);
        NextToken.likeliest(base, p, top).forEach(token -> shown.add(token.token()));
        NextToken.likeliest(edited, q, top).forEach(token -> shown.add(token.token()));
        List<Integer> tokens = List.copyOf(shown);
        int count = tokens.size();
        float[] baseLogits = new float[count];
        float[] editedLogits = new float[count];
        for (int i = 0; i < count; i++) {
            baseLogits[i] = base[tokens.get(i)];
            editedLogits[i] = edited[tokens.get(i)];
        }
        return new ViewData(
                "change",
                heading,
                DataObject.empty()
                        .with("position", position)
                        .withTokens(
                                "tokens", tokens.stream().map(vocabulary::apply).toList())
                        .with("baseLogits", baseLogits, count)
                        .with("editedLogits", editedLogits, count)
                        .with(
                                "baseLogProbabilities",
                                tokens.stream().mapToDouble(token -> p[token]).toArray(),
                                count)
                        .with(
                                "editedLogProbabilities",
                                tokens.stream().mapToDouble(token -> q[token]).toArray(),
                                count)
                        .with("divergence", divergence));
    }

    @Override
    public String toString() {
        return "change of the next tokens at position " + position;
    }
}
