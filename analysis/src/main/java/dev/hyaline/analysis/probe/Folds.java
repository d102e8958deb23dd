package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows divided into parts, of which each in turn is held out while a probe is fitted on the others. Every part has
 * about as much of each class as the whole.
 *
 * <p>Rows that share what carries the label, such as a name or a template, must be in one part ({@link #grouped}): else
 * the probe is asked about what it has seen, and finds even a label that was drawn by lot.
 */
public final class Folds {
    private final int[] foldOfRow;
    private final int count;

    private Folds(int[] foldOfRow, int count) {
        this.foldOfRow = foldOfRow;
        this.count = count;
    }

    /**
     * Rows in their order, each class dealt out by itself: scikit-learn's {@code StratifiedKFold} without shuffling.
     *
     * @throws BadInputException if there are fewer than 2 folds, or a class has fewer rows than there are folds
     */
    public static Folds stratified(LabelledRows rows, int folds) {
        requireFolds(folds);
        int[] labels = rows.labels();
        int[] counts = rows.counts();
        for (int label = 0; label < counts.length; label++) {
            if (counts[label] > 0 && counts[label] < folds) {
                throw new BadInputException("the class '" + rows.classes().get(label) + "' has "
                        + counts[label] + (counts[label] == 1 ? " row" : " rows") + ", fewer than the " + folds
                        + " folds");
            }
        }
        // The classes in order of their first rows, as scikit-learn numbers them.
        int[] classes = Arrays.stream(labels).distinct().toArray();
        int[][] allocation = new int[folds][counts.length];
        int at = 0;
        for (int label : classes) {
            for (int i = 0; i < counts[label]; i++) {
                allocation[at++ % folds][label]++;
            }
        }
        int[] foldOfRow = new int[labels.length];
        for (int label : classes) {
            int fold = 0;
            for (int row = 0; row < labels.length; row++) {
                if (labels[row] == label) {
                    while (allocation[fold][label] == 0) {
                        fold++;
                    }
                    allocation[fold][label]--;
                    foldOfRow[row] = fold;
                }
            }
        }
        return new Folds(foldOfRow, folds);
    }

    /**
     * The rows of a group stay together. Groups are dealt out in order of their first rows, those of rare classes
     * first, each to the part that has fewest rows of the group's commonest class, then fewest rows, then the lowest
     * number.
     *
     * @throws BadShapeException if the groups are of more or fewer rows
     * @throws BadInputException if there are fewer than 2 folds, fewer groups than folds, or a class has too few groups
     *     to be in the others of every fold
     */
    public static Folds grouped(LabelledRows rows, Units groups, int folds) {
        requireFolds(folds);
        if (groups.prompts() != rows.rows()) {
            throw new BadShapeException(
                    "groups of a probe's rows", "those of " + rows.rows() + " rows", groups.prompts() + "");
        }
        if (groups.count() < folds) {
            throw new BadInputException(
                    "there are " + groups.count() + " groups of rows, fewer than the " + folds + " folds");
        }
        int classes = rows.classes().size();
        int[][] ofGroup = new int[groups.count()][classes];
        for (int row = 0; row < rows.rows(); row++) {
            ofGroup[groups.unit(row)][rows.label(row)]++;
        }
        int[] total = rows.counts();
        int[] commonest = Arrays.stream(ofGroup)
                .mapToInt(counts -> IntStream.range(0, classes)
                        .boxed()
                        .max(Comparator.<Integer>comparingInt(label -> counts[label])
                                .thenComparing(Comparator.reverseOrder()))
                        .orElseThrow())
                .toArray();
        List<Integer> order = IntStream.range(0, groups.count())
                .boxed()
                .sorted(Comparator.comparingInt((Integer group) -> total[commonest[group]])
                        .thenComparingInt(group -> commonest[group]))
                .toList();
        int[][] inFold = new int[folds][classes];
        int[] sizes = new int[folds];
        int[] foldOfGroup = new int[groups.count()];
        for (int group : order) {
            int label = commonest[group];
            int best = IntStream.range(0, folds)
                    .boxed()
                    .min(Comparator.<Integer>comparingInt(fold -> inFold[fold][label])
                            .thenComparingInt(fold -> sizes[fold]))
                    .orElseThrow();
            foldOfGroup[group] = best;
            for (int k = 0; k < classes; k++) {
                inFold[best][k] += ofGroup[group][k];
                sizes[best] += ofGroup[group][k];
            }
        }
        for (int label = 0; label < classes; label++) {
            for (int fold = 0; fold < folds; fold++) {
                if (total[label] > 0 && inFold[fold][label] == total[label]) {
                    throw new BadInputException("the class '" + rows.classes().get(label) + "' has too few groups of"
                            + " rows for " + folds + " folds: one fold holds all of it");
                }
            }
        }
        return new Folds(
                IntStream.range(0, rows.rows())
                        .map(row -> foldOfGroup[groups.unit(row)])
                        .toArray(),
                folds);
    }

    private static void requireFolds(int folds) {
        if (folds < 2) {
            throw new BadInputException("cross-validation needs at least 2 folds, found " + folds);
        }
    }

    /** Number of parts. */
    public int count() {
        return count;
    }

    /** Number of rows. */
    public int rows() {
        return foldOfRow.length;
    }

    /** The part in which a row is held out. */
    public int fold(int row) {
        return foldOfRow[BadInputException.requireIndex("row", row, foldOfRow.length)];
    }

    /** The rows that a fold holds out, ascending. */
    public int[] test(int fold) {
        BadInputException.requireIndex("fold", fold, count);
        return IntStream.range(0, foldOfRow.length)
                .filter(row -> foldOfRow[row] == fold)
                .toArray();
    }

    /** The rows that a fold's probe is fitted on, ascending. */
    public int[] training(int fold) {
        BadInputException.requireIndex("fold", fold, count);
        return IntStream.range(0, foldOfRow.length)
                .filter(row -> foldOfRow[row] != fold)
                .toArray();
    }

    @Override
    public String toString() {
        return foldOfRow.length + " rows in " + count + " folds";
    }
}
