package dev.hyaline.explorer.plot;

import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;

/** Every prompt as two dots, before and after an edit, in a row for each stratum; the means as bars. */
public final class PromptPlot implements Picture {
    private static final int TOP = 34;
    private static final int ROW = 48;
    private static final int BOTTOM = 46;
    private static final int MAX_LABELS = 150;

    private final List<String> names;
    private final Map<String, List<Integer>> strata = new LinkedHashMap<>();
    private final double[] before;
    private final double[] after;
    private final String quantity;
    private final String edit;
    private final double labels;
    private final PlotScale scale;

    private PromptPlot(
            String quantity, String edit, List<String> names, List<String> strata, double[] before, double[] after) {
        this.quantity = quantity;
        this.edit = edit;
        this.names = List.copyOf(names);
        this.before = before;
        this.after = after;
        for (int prompt = 0; prompt < before.length; prompt++) {
            this.strata
                    .computeIfAbsent(strata.get(prompt), stratum -> new ArrayList<>())
                    .add(prompt);
        }
        labels = Math.min(
                MAX_LABELS,
                8
                        + this.strata.keySet().stream()
                                .mapToDouble(PlotScale::width)
                                .max()
                                .orElse(0));
        scale = PlotScale.of(
                DoubleStream.concat(
                                DoubleStream.of(0),
                                DoubleStream.concat(DoubleStream.of(before), DoubleStream.of(after)))
                        .toArray(),
                labels + 14,
                PlotScale.WIDTH - 16);
    }

    /**
     * Lays a plot out.
     *
     * @param quantity the metric, with its unit
     * @param edit what was done, in words
     * @param names of the prompts
     * @param strata of the prompts; each is a row, in the order of its first prompt
     * @param before the metric by prompt
     * @param after the metric by prompt of the edited run
     * @throws BadShapeException if they are of different numbers of prompts
     * @throws BadInputException if there is no prompt
     */
    public static PromptPlot of(
            String quantity, String edit, List<String> names, List<String> strata, double[] before, double[] after) {
        if (before.length == 0) {
            throw new BadInputException("a plot of prompts needs at least one");
        }
        if (names.size() != before.length || strata.size() != before.length || after.length != before.length) {
            throw new BadShapeException(
                    "the prompts of a plot",
                    before.length + " names, strata and values of the edited run",
                    names.size() + ", " + strata.size() + " and " + after.length);
        }
        return new PromptPlot(quantity, edit, names, strata, before.clone(), after.clone());
    }

    @Override
    public int width() {
        return PlotScale.WIDTH;
    }

    @Override
    public int height() {
        return TOP + ROW * strata.size() + BOTTOM;
    }

    @Override
    public void draw(Canvas canvas) {
        canvas.dot(labels + 18, 14, 4, PlotScale.BLUE, "");
        canvas.text(labels + 28, 18, "clean", PlotScale.FONT, Anchor.START, false, Canvas.INK);
        canvas.dot(labels + 84, 14, 4, PlotScale.ORANGE, "");
        canvas.text(
                labels + 94,
                18,
                PlotScale.cut(edit, PlotScale.WIDTH - labels - 100),
                PlotScale.FONT,
                Anchor.START,
                false,
                Canvas.INK);
        double bottom = TOP + ROW * strata.size();
        scale.drawAcross(canvas, TOP, bottom, quantity, 8);
        int row = 0;
        for (Map.Entry<String, List<Integer>> stratum : strata.entrySet()) {
            double top = TOP + ROW * row++;
            String label = PlotScale.cut(stratum.getKey(), labels);
            canvas.text(labels, top + ROW / 2.0 + 4, label, PlotScale.FONT, Anchor.END, false, Canvas.INK);
            dots(canvas, stratum.getValue(), before, top + 5, PlotScale.BLUE, "clean");
            dots(canvas, stratum.getValue(), after, top + ROW / 2.0 + 2, PlotScale.ORANGE, edit);
        }
    }

    private void dots(Canvas canvas, List<Integer> prompts, double[] values, double top, int colour, String run) {
        double height = ROW / 2.0 - 8;
        double sum = 0;
        for (int i = 0; i < prompts.size(); i++) {
            double value = values[prompts.get(i)];
            sum += value;
            // Spread over the row, so that equal values are seen.
            double y = top + height * ((i * 5) % 11 + 0.5) / 11;
            canvas.dot(
                    scale.at(value),
                    y,
                    2.6,
                    colour,
                    String.format(Locale.ROOT, "%s, %s: %.3f", names.get(prompts.get(i)), run, value));
        }
        double mean = scale.at(sum / prompts.size());
        canvas.rectangle(
                mean - 1.2,
                top - 2,
                2.4,
                height + 4,
                Canvas.INK,
                String.format(Locale.ROOT, "mean, %s: %.3f", run, sum / prompts.size()));
    }

    @Override
    public String toString() {
        return quantity + " by prompt";
    }
}
