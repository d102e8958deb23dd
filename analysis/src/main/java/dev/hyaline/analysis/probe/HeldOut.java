package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.compare.Auroc;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.weights.Matrix;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** What probes say of rows that they were not fitted on, every row held out once. Immutable. */
public final class HeldOut {
    private static final double TAIL = 0.025;

    private final LabelledRows rows;
    private final Folds folds;
    private final double[][] scores;
    private final boolean probabilistic;

    private HeldOut(LabelledRows rows, Folds folds, double[][] scores, boolean probabilistic) {
        this.rows = rows;
        this.folds = folds;
        this.scores = scores;
        this.probabilistic = probabilistic;
    }

    /**
     * Fits a probe for each fold on the other folds' rows, standardised by themselves, and asks it about the fold's.
     *
     * @throws BadInputException if the folds are of more or fewer rows, or the rows of the other folds are of one class
     */
    public static HeldOut of(LabelledRows rows, Folds folds, ProbeMethod method) {
        return of(rows, folds, method, training -> AffineMap.identity(training.columns()));
    }

    /**
     * As {@link #of(LabelledRows, Folds, ProbeMethod)}, after a concept was erased by a map fitted on the same rows.
     */
    public static HeldOut of(LabelledRows rows, Folds folds, ProbeMethod method, Erasure erasure) {
        if (folds.rows() != rows.rows()) {
            throw new BadInputException(
                    "folds of " + folds.rows() + " rows cannot divide " + rows.rows() + " rows of a probe");
        }
        double[][] scores = new double[rows.rows()][];
        for (int fold = 0; fold < folds.count(); fold++) {
            LabelledRows training = rows.only(folds.training(fold));
            AffineMap map = erasure.fit(training);
            LinearProbe probe = method.fitStandardized(training.with(map.apply(training.values())));
            Matrix changed = map.apply(rows.values());
            for (int row : folds.test(fold)) {
                scores[row] = probe.scores(changed, row);
            }
        }
        return new HeldOut(rows, folds, scores, method.probabilistic());
    }

    public LabelledRows rows() {
        return rows;
    }

    public Folds folds() {
        return folds;
    }

    /** The class that a row was given. */
    public int predicted(int row) {
        return LinearProbe.predicted(scores[BadInputException.requireIndex("row", row, scores.length)]);
    }

    /** For each row 1 if it was given its class, and else 0. */
    public double[] correct() {
        return IntStream.range(0, scores.length)
                .mapToDouble(row -> predicted(row) == rows.label(row) ? 1 : 0)
                .toArray();
    }

    /** The share of rows that were given their class. */
    public double accuracy() {
        return Sums.mean(correct());
    }

    /** The accuracy of each fold's probe on the fold. */
    public double[] foldAccuracies() {
        double[] correct = correct();
        return IntStream.range(0, folds.count())
                .mapToDouble(fold -> IntStream.of(folds.test(fold))
                        .mapToDouble(row -> correct[row])
                        .average()
                        .orElse(Double.NaN))
                .toArray();
    }

    /** How well the scores of all folds together tell two classes apart; empty of more classes. */
    public Optional<Auroc> auc() {
        return scores[0].length == 1 ? Optional.of(Auroc.of(scoresOf(1), scoresOf(0))) : Optional.empty();
    }

    private double[] scoresOf(int label) {
        return IntStream.range(0, scores.length)
                .filter(row -> rows.label(row) == label)
                .mapToDouble(row -> scores[row][0])
                .toArray();
    }

    /** Mean of minus the log-probability of each row's class, in nats; empty if the scores are no log odds. */
    public OptionalDouble logLoss() {
        return probabilistic
                ? IntStream.range(0, scores.length)
                        .mapToDouble(row -> -LinearProbe.logProbability(scores[row], rows.label(row)))
                        .average()
                : OptionalDouble.empty();
    }

    /**
     * The 95% bootstrap interval of the accuracy, units drawn whole; the probes stay as they are.
     *
     * @param units which rows belong together
     * @throws BadInputException if the units are of more or fewer rows
     */
    public Interval interval(Units units, CounterRandom random) {
        return Bootstrap.ofMean(correct(), units, Bootstrap.REPLICATES, random).percentile(TAIL);
    }

    /**
     * The chance of an accuracy at least this large if labels had nothing to do with rows: labels are exchanged among
     * the units of each fold, the predictions stay. Where units have rows of several classes, labels are exchanged
     * within each unit instead. p = (1 + count) / (draws + 1).
     *
     * @param units which rows belong together, none of them in two folds if each is of one class
     * @throws BadInputException if the units are of more or fewer rows, or there are none or more than a million draws
     */
    public double permutationP(Units units, int draws, CounterRandom random) {
        Draws.require("a permutation test needs", "draw", 1, draws);
        if (units.prompts() != scores.length) {
            throw new BadInputException(
                    "a probe of " + scores.length + " rows needs units of them, found those of " + units.prompts());
        }
        int[][] blocks = blocks(units);
        int[] predicted = IntStream.range(0, scores.length).map(this::predicted).toArray();
        int observed = 0;
        for (int row = 0; row < predicted.length; row++) {
            observed += predicted[row] == rows.label(row) ? 1 : 0;
        }
        // What is exchanged: the label of a whole unit within its fold, or that of a row within its unit.
        boolean whole = isWhole(units);
        int[] group = IntStream.range(0, scores.length)
                .map(row -> whole ? folds.fold(row) : units.unit(row))
                .toArray();
        int groups = whole ? folds.count() : units.count();
        int[][] members = IntStream.range(0, groups)
                .mapToObj(g -> IntStream.range(0, blocks.length)
                        .filter(block -> group[blocks[block][0]] == g)
                        .toArray())
                .toArray(int[][]::new);
        int atLeast = 1;
        for (int draw = 0; draw < draws; draw++) {
            int right = 0;
            for (int g = 0; g < groups; g++) {
                int[] dealt = random.with(draw).with(g).permutation(members[g].length);
                for (int i = 0; i < dealt.length; i++) {
                    int label = rows.label(blocks[members[g][dealt[i]]][0]);
                    for (int row : blocks[members[g][i]]) {
                        right += predicted[row] == label ? 1 : 0;
                    }
                }
            }
            atLeast += right >= observed ? 1 : 0;
        }
        return atLeast / (draws + 1.0);
    }

    /** The rows of each unit, or each row by itself. */
    private int[][] blocks(Units units) {
        return isWhole(units)
                ? IntStream.range(0, units.count()).mapToObj(units::promptsOf).toArray(int[][]::new)
                : IntStream.range(0, scores.length)
                        .mapToObj(row -> new int[] {row})
                        .toArray(int[][]::new);
    }

    /** Returns whether every unit is of one class and in one fold. */
    private boolean isWhole(Units units) {
        int[] first = new int[units.count()];
        Arrays.fill(first, -1);
        for (int row = 0; row < scores.length; row++) {
            int unit = units.unit(row);
            if (first[unit] < 0) {
                first[unit] = row;
            } else if (rows.label(first[unit]) != rows.label(row) || folds.fold(first[unit]) != folds.fold(row)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "held-out scores of " + rows;
    }
}
