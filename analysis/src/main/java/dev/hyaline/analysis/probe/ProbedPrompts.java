package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.weights.Matrix;
import java.util.List;

/**
 * Prompts with a class each and the positions at which it is looked for. Arrays are not copied.
 *
 * @param labels the class of each prompt, an index among {@code classes}
 * @param types what carries the label, such as the name in the prompt: a control task draws one label for each
 * @param axis what each step of positions is called
 * @param positions {@code [steps][prompts]}
 */
public record ProbedPrompts(
        Prompts prompts, int[] labels, List<String> classes, Units types, Axis axis, int[][] positions) {

    /** @throws BadInputException if there is not one label, type and position of each step for every prompt */
    public ProbedPrompts {
        classes = List.copyOf(classes);
        int n = prompts.size();
        if (labels.length != n || types.prompts() != n || positions.length != axis.size()) {
            throw new BadInputException("probed prompts need a label and a type for each of " + n
                    + " prompts, and positions for each of " + axis.size() + " steps, found " + labels.length
                    + " labels, types of " + types.prompts() + " prompts and " + positions.length + " steps");
        }
        for (int[] step : positions) {
            if (step.length != n) {
                throw new BadInputException(
                        "a step of positions needs one for each of " + n + " prompts, found " + step.length);
            }
            for (int s = 0; s < n; s++) {
                BadInputException.requireIndex("position", step[s], prompts.length(s));
            }
        }
    }

    /** Runs the prompts and keeps a site's values at every layer asked for. */
    ActivationCache record(Gpt2 model, List<HookPoint> points) {
        return ActivationCache.record(model, prompts, Capture.of(points));
    }

    /** The rows of a point at a step of positions. */
    LabelledRows rows(ActivationCache cache, HookPoint point, int step) {
        double[] values = null;
        int d = 0;
        for (int s = 0; s < prompts.size(); s++) {
            float[] row = cache.row(point, s, positions[step][s]);
            if (values == null) {
                d = row.length;
                values = new double[Math.multiplyExact(prompts.size(), d)];
            }
            for (int c = 0; c < d; c++) {
                values[s * d + c] = row[c];
            }
        }
        return LabelledRows.of(new Matrix(prompts.size(), d, values == null ? new double[0] : values), labels, classes);
    }

    @Override
    public boolean equals(Object other) {
        return other == this;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
