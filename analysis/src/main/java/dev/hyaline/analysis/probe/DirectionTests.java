package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Whether the model uses what a probe reads: the direction between the classes is edited, and random directions of the
 * same length with it. The direction that edits a prompt is that between the class means of the folds the prompt is not
 * in.
 *
 * <ul>
 *   <li>ablate: the direction is projected out;
 *   <li>steer: the activation is moved along it towards the other class, by {@value #STEERED} standard deviations of
 *       the rows along it; random directions move it as far;
 *   <li>interchange: its component becomes that of the pair's other prompt.
 * </ul>
 *
 * <p>An effect is the fall of the answers' mean logit less the distractors', against the mean fall under the random
 * directions for the same prompt. {@link RandomDirections} has the rule by which it counts.
 *
 * @param effects {@code [edit, layer, position]}, a value for each pair, compared with random directions
 * @param asMuch share of the random directions whose mean fall is at least the direction's, {@code [edit, layer,
 *     position]}, counting the direction as one of them
 * @param random number of random directions
 */
public record DirectionTests(ResultTable effects, double[] asMuch, int random) {
    /** Standard deviations by which steering moves. */
    public static final double STEERED = 4;

    /** A difference of means below this share of a row's length is rounding. */
    private static final double NOTHING = 1e-6;

    private static final List<String> EDITS = List.of("ablate", "steer", "interchange");

    /**
     * Edits the first of the prompts at every cell of a study.
     *
     * @param pairs whose clean prompts the study's prompts are, in their order
     * @param most edited pairs
     * @param random number of random directions
     * @throws BadInputException if the label has more than two classes, a pair has no distractor, or there are too few
     *     random directions or too many for {@link RandomDirections}
     */
    public static DirectionTests of(
            Gpt2 model, PromptPairs pairs, ProbeStudy study, Axis layers, int most, int random, long seed) {
        if (study.prompts().classes().size() != 2) {
            throw new BadInputException("a direction between classes is tested of two, found "
                    + study.prompts().classes().size());
        }
        RandomDirections.require(random);
        int n = Math.min(most, pairs.size());
        PromptPairs edited = PromptPairs.of(model.config(), pairs.list().subList(0, n));
        edited.list().forEach(DirectionTests::requireDistractor);
        BaseRun run = BaseRun.record(model, edited.clean(model.config()));
        List<HookPoint> points =
                study.cells().stream().map(ProbeStudy.Cell::point).distinct().toList();
        ActivationCache others = ActivationCache.record(model, edited.corrupted(model.config()), Capture.of(points));
        List<SequenceEdit> edits = new ArrayList<>();
        edits.addAll(IntStream.range(0, n)
                .mapToObj(s -> SequenceEdit.of(s, Intervention.scale(Target.of(points.getFirst()), 1)))
                .toList());
        CounterRandom draws = CounterRandom.of(seed).named("probe/random directions");
        for (ProbeStudy.Cell cell : study.cells()) {
            Moves[] ofFold = IntStream.range(0, study.folds().count())
                    .mapToObj(fold -> Moves.of(cell.rows().only(study.folds().training(fold))))
                    .toArray(Moves[]::new);
            for (int s = 0; s < n; s++) {
                int position = study.prompts().positions()[cell.step()][s];
                Moves moves = ofFold[study.folds().fold(s)];
                Target target = Target.of(cell.point()).positions(position);
                float[] source = others.row(cell.point(), s, position);
                if (moves.deviation() == 0) {
                    edits.addAll(Collections.nCopies(EDITS.size() * (random + 1), edits.get(s)));
                    continue;
                }
                double length = (study.prompts().labels()[s] == 1 ? -1 : 1) * STEERED * moves.deviation();
                edits.addAll(edits(s, target, moves.unit(), length, source));
                for (int r = 0; r < random; r++) {
                    double[] drawn = InterchangeSubspace.random(1, moves.unit().length, draws.with(r))
                            .basis()[0];
                    edits.addAll(edits(s, target, drawn, length, source));
                }
            }
        }
        double[] metric = new double[edits.size()];
        run.rerun(edits)
                .forEach(result ->
                        metric[result.edit()] = edited.get(result.sequence()).logitDifference(result.row(0)));
        int cells = study.cells().size();
        double[] values = new double[EDITS.size() * cells * n];
        double[] reference = new double[values.length];
        double[][] sums = new double[EDITS.size() * cells][random + 1];
        int at = n;
        for (int cell = 0; cell < cells; cell++) {
            for (int s = 0; s < n; s++) {
                for (int r = 0; r <= random; r++) {
                    for (int edit = 0; edit < EDITS.size(); edit++) {
                        double fall = metric[s] - metric[at++];
                        int to = (edit * cells + cell) * n + s;
                        sums[edit * cells + cell][r] += fall;
                        if (r == 0) {
                            values[to] = fall;
                        } else {
                            reference[to] += fall / random;
                        }
                    }
                }
            }
        }
        double[] asMuch = Arrays.stream(sums)
                .mapToDouble(ofCell -> RandomDirections.asMuch(ofCell[0], Arrays.copyOfRange(ofCell, 1, ofCell.length)))
                .toArray();
        ResultTable effects = ResultTable.of(
                        "Fall of the logit difference when the direction is edited",
                        "fall of logit difference",
                        "logits",
                        List.of(new Axis("edit", EDITS), layers, study.prompts().axis()),
                        edited.names(),
                        values)
                .ofSamples("pairs")
                .ofUnits(edited.units().orElse(Units.each(n)))
                .neutralAt(0)
                .comparedWith("random directions of the same length", reference);
        return new DirectionTests(effects, asMuch, random);
    }

    /** The direction between the class means of rows, and the deviation of all rows along it. */
    private record Moves(double[] unit, double deviation) {
        static Moves of(LabelledRows rows) {
            double[] direction = new ProbeMethod.MassMean().fit(rows).direction();
            double[] unit = Vectors.unit(direction);
            double size = Vectors.norm(rows.values().row(0));
            if (Vectors.norm(direction) <= NOTHING * size) {
                // Before the prompts differ there is no direction, only rounding.
                return new Moves(unit, 0);
            }
            double[] along = new double[rows.rows()];
            for (int row = 0; row < along.length; row++) {
                along[row] = Vectors.dot(rows.values().values(), row * unit.length, unit, 0, unit.length);
            }
            return new Moves(unit, Math.sqrt(Sums.squaredDeviations(along) / along.length));
        }

        @Override
        public boolean equals(Object other) {
            return other == this;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    private static List<SequenceEdit> edits(int s, Target target, double[] unit, double length, float[] source) {
        float[] narrow = new float[unit.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) unit[i];
        }
        return List.of(
                SequenceEdit.of(s, Intervention.projectOut(target, Direction.of(narrow))),
                SequenceEdit.of(s, Intervention.add(target, (float) length, narrow)),
                SequenceEdit.of(s, InterchangeSubspace.of(unit).interchange(target, source)));
    }

    static void requireDistractor(PromptPair pair) {
        if (pair.distractors().length == 0) {
            throw new BadInputException(
                    pair.name() + " has no distractor, and an edit is judged by answer and distractor");
        }
    }

    /** The edits, in the order of the table. */
    public static List<String> edits() {
        return EDITS;
    }

    /** Returns whether some edit of the direction at a layer and position does more than random directions. */
    public boolean isUsed(int layer, int step) {
        return IntStream.range(0, EDITS.size())
                .map(edit -> effects.cell(edit, layer, step))
                .anyMatch(cell -> RandomDirections.isUsed(effects, cell, asMuch[cell]));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
