package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A probe and its control task at every layer and position of prompts: where the activations say what the label means.
 * Every cell is judged on rows held out; the cells are shared out among threads, and each is computed on one.
 *
 * @param accuracy {@code [task, layer, position]}: for each prompt 1 if it was given its class; the tasks are the label
 *     and {@value #CONTROL}, and the label's cells are compared with the control's, so that effects are selectivities
 * @param cells in the order of layers and positions
 */
public record ProbeStudy(ProbedPrompts prompts, Folds folds, ResultTable accuracy, List<Cell> cells) {
    /** What the control task is called. */
    public static final String CONTROL = "control";

    private static final int DRAWS = 999;

    /**
     * One layer and position.
     *
     * @param step of the positions
     * @param rows with the label
     * @param p the chance of such an accuracy if labels had nothing to do with rows, for this cell alone
     */
    public record Cell(HookPoint point, int step, LabelledRows rows, HeldOut label, HeldOut control, double p) {
        /** Accuracy on the label less that on the control task. */
        public double selectivity() {
            return label.accuracy() - control.accuracy();
        }
    }

    public ProbeStudy {
        cells = List.copyOf(cells);
    }

    /**
     * Fits all probes.
     *
     * @param name of what is probed
     * @param points one for each layer, in order
     * @param layers what each is called
     * @param folds of the prompts
     * @param units which prompts belong together in statistics
     */
    public static ProbeStudy of(
            Gpt2 model,
            ProbedPrompts prompts,
            String name,
            List<HookPoint> points,
            Axis layers,
            ProbeMethod method,
            Folds folds,
            Units units,
            long seed) {
        var cache = prompts.record(model, points);
        int steps = prompts.axis().size();
        int n = prompts.prompts().size();
        CounterRandom random = CounterRandom.of(seed).named("probe");
        Cell[] cells = new Cell[points.size() * steps];
        IntStream.range(0, cells.length).parallel().forEach(i -> {
            HookPoint point = points.get(i / steps);
            LabelledRows rows = prompts.rows(cache, point, i % steps);
            LabelledRows control = ControlTask.labels(rows, prompts.types(), random.named(CONTROL));
            HeldOut label = HeldOut.of(rows, folds, method);
            cells[i] = new Cell(
                    point,
                    i % steps,
                    rows,
                    label,
                    HeldOut.of(control, folds, method),
                    label.permutationP(units, DRAWS, random.named("permutation")));
        });
        double[] values = new double[2 * cells.length * n];
        double[] reference = new double[values.length];
        for (int i = 0; i < cells.length; i++) {
            double[] ofControl = cells[i].control().correct();
            System.arraycopy(cells[i].label().correct(), 0, values, i * n, n);
            System.arraycopy(ofControl, 0, values, (cells.length + i) * n, n);
            System.arraycopy(ofControl, 0, reference, i * n, n);
        }
        // The control's own cells are compared with nothing, and do not count when p are adjusted.
        Arrays.fill(reference, cells.length * n, reference.length, Double.NaN);
        List<String> names =
                IntStream.range(0, n).mapToObj(prompts.prompts()::name).toList();
        ResultTable accuracy = ResultTable.of(
                        "Accuracy of a probe for " + name + ", and of its control task",
                        "accuracy",
                        "",
                        List.of(new Axis("task", List.of(name, CONTROL)), layers, prompts.axis()),
                        names,
                        values)
                .ofSamples("prompts")
                .ofUnits(units)
                .neutralAt(prompts.rows(cache, points.getFirst(), 0).majority())
                .comparedWith("the control task", reference);
        return new ProbeStudy(prompts, folds, accuracy, new ArrayList<>(List.of(cells)));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
