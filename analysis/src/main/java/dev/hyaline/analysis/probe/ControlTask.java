package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Labels that say nothing, for a probe to be held against: every type (a token, a name) has one class drawn by lot,
 * which is the same wherever the type stands. A probe that learns these reads the type and not what the label means.
 * Selectivity is the accuracy on the task less that on its control task, with the same probe and the same rows.
 *
 * <p>Source: Hewitt and Liang (2019).
 */
public final class ControlTask {
    private ControlTask() {}

    /**
     * The rows with a control task's labels. The classes' shares among the types are those of the task: the types'
     * commonest classes are dealt out anew among the types.
     *
     * @param types which rows are of one type
     * @param random the draw, of which only the order of the types is taken
     * @throws BadInputException if the types are of more or fewer rows, or all are of one class
     */
    public static LabelledRows labels(LabelledRows rows, Units types, CounterRandom random) {
        if (types.prompts() != rows.rows()) {
            throw new BadInputException("a control task needs the type of each of " + rows.rows()
                    + " rows, found those of " + types.prompts());
        }
        List<String> classes = rows.classes();
        int[][] counts = new int[types.count()][classes.size()];
        for (int row = 0; row < rows.rows(); row++) {
            counts[types.unit(row)][rows.label(row)]++;
        }
        int[] commonest = new int[types.count()];
        for (int type = 0; type < commonest.length; type++) {
            for (int label = 1; label < classes.size(); label++) {
                commonest[type] = counts[type][label] > counts[type][commonest[type]] ? label : commonest[type];
            }
        }
        int[] dealt = random.permutation(commonest.length);
        return rows.labelled(
                IntStream.range(0, rows.rows())
                        .map(row -> commonest[dealt[types.unit(row)]])
                        .toArray(),
                classes);
    }
}
